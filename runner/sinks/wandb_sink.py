"""Weights & Biases: a run for each attempt of a seed, in one group, and one more for the verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wandb

from runner.sinks.sink import Order
from runner.sinks.tail import Point
from runner.sinks.told import Facts, words_of

REACHED_S = 30.0
"""How long its server may take to answer."""


class WandbSink:
    """Online or offline, as the job says."""

    def __init__(self, order: Order) -> None:
        self.spec = order.spec
        self.folder = Path(order.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        key = os.environ.get(self.spec["key_env"], "").strip()
        if key and self.spec["mode"] == "online":
            os.environ["WANDB_API_KEY"] = key
        self.run: Facts = {}
        self.runs: dict[int, Any] = {}
        """Seed -> run of its running attempt."""

    def opened(self, facts: Facts) -> None:
        self.run = facts

    def started(self, facts: Facts) -> None:
        seed, attempt = facts["seed"], facts["attempt"]
        self._end(seed, 1)
        name = f"seed-{seed}" + (f"-attempt-{attempt}" if attempt > 1 else "")
        told = {"seed": seed, "attempt": attempt, **self.run["config"]}
        self.runs[seed] = self._begin(name, "seed", told)

    def points(self, seed: int, points: Sequence[Point]) -> None:
        for point in points:
            self.runs[seed].log({**point.figures, "step": point.step})

    def done(self, facts: Facts) -> None:
        run = self.runs.get(facts["seed"])
        if run is not None:
            run.summary.update({"status": facts["status"], "reason": facts["reason"], **facts["figures"]})
            self._end(facts["seed"], 0 if facts["status"] == "completed" else 1)

    def verdict(self, facts: Facts) -> None:
        run = self._begin("verdict", "verdict", {})
        told = {"verdict": facts["status"], "completed": facts["completed"], "reasons": "\n".join(facts["reasons"])}
        run.summary.update({**told, **facts["figures"]})
        run.finish()

    def warning(self, facts: Facts) -> None:
        run = self._begin("budget", "budget", {})
        run.summary.update({"budget": words_of(facts, self.run["run"])})
        run.finish()

    def close(self) -> str:
        for seed in list(self.runs):
            self._end(seed, 1)
        project = self.spec["project"]
        offline = self.spec["mode"] == "offline"
        return f"wandb sync {self.folder}/wandb/offline-run-*" if offline else f"project {project}"

    def _begin(self, name: str, kind: str, config: dict[str, Any]) -> Any:
        """A run of its own beside the others; nothing of this machine, its code or its output is sent along."""
        settings = wandb.Settings(
            console="off",
            silent=True,
            disable_git=True,
            disable_code=True,
            save_code=False,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
            x_disable_machine_info=True,
            init_timeout=REACHED_S,
        )
        run = wandb.init(
            project=self.spec["project"],
            entity=self.spec["entity"] or None,
            mode=self.spec["mode"],
            dir=str(self.folder),
            group=self.run["run"],
            name=f"{self.run['run']}/{name}",
            job_type=kind,
            tags=[self.run["track"], self.run["hardware"]],
            config={"job": self.run["job"], "track": self.run["track"], **config},
            settings=settings,
            reinit="create_new",
        )
        run.define_metric("*", step_metric="step")
        return run

    def _end(self, seed: int, code: int) -> None:
        run = self.runs.pop(seed, None)
        if run is not None:
            run.finish(exit_code=code)
