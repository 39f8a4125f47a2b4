"""What a run's sinks are told: small plain facts, one JSON line each, and the same in words for people.

Texts of scripts are cut and printable; nothing of a record's files, no folder but the log's, no secret.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from runner.listing import counted, listed
from runner.printable import cut, printable
from runner.results.record import RecordData
from runner.results.runs import RunResult

MOST_TEXT = 300
"""Characters of a reason."""
MOST_REASONS = 3
MOST_OPENING = 48 << 10
"""Bytes of the first message; a configuration that is longer is left out."""

Facts = Mapping[str, Any]


def opening(run: str, job: Mapping[str, Any], patterns: Sequence[str]) -> dict[str, Any]:
    """The run begins, or goes on. job: as it may be published. patterns: lines of somebody else's script that tell of
    a step.
    """
    facts: dict[str, Any] = {
        "kind": "opened",
        "run": run,
        "job": job["name"],
        "track": job["track"],
        "hardware": job["hardware"],
        "seeds": list(job["seeds"]),
        "patterns": list(patterns),
        "config": dict(flat(job.get("config") or {})),
    }
    if len(json.dumps(facts)) > MOST_OPENING:
        facts |= {"config": {}, "seeds": facts["seeds"][:100]}
    return facts


def flat(value: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """(dotted name, value) of every field of a nested mapping."""
    found: list[tuple[str, Any]] = []
    for name, inner in value.items():
        found += flat(inner, f"{before}{name}.") if isinstance(inner, Mapping) else [(f"{before}{name}", inner)]
    return found


def seed_started(seed: int, attempt: int, log: str) -> dict[str, Any]:
    """An attempt begins. log: of its training, '' where it only scores."""
    return {"kind": "started", "seed": seed, "attempt": attempt, "log": log}


def seed_done(result: RunResult) -> dict[str, Any]:
    """An attempt has ended."""
    final, train, fresh = result.final_score, result.train, result.eval
    size = None if result.artifact is None else result.artifact.bytes
    return {
        "kind": "done",
        "seed": result.seed,
        "attempt": result.attempt,
        "status": result.status,
        "reason": short(result.reason),
        "figures": {
            name: value
            for name, value in {
                "val_bpb": None if final is None else final.val_bpb,
                "val_loss": None if final is None else final.val_loss,
                "steps": result.log.steps,
                "artifact_bytes": size,
                "total_bytes": None if size is None else size + result.code_bytes,
                "train_seconds": None if train is None or train.clock is None else train.clock.high,
                "eval_seconds": None if fresh is None or fresh.clock is None else fresh.clock.high,
            }.items()
            if value is not None and math.isfinite(value)
        },
    }


def verdict(data: RecordData) -> dict[str, Any]:
    """The run is judged."""
    done = [result for result in data.results if result.status == "completed" and result.final_score is not None]
    scores = [result.final_score.val_bpb for result in done if result.final_score is not None]
    mean = sum(scores) / max(1, len(scores))
    return {
        "kind": "verdict",
        "status": data.verdict.status,
        "reasons": [short(reason) for reason in data.verdict.reasons[:MOST_REASONS]],
        "completed": len(done),
        "figures": {"mean_val_bpb": mean} if scores and math.isfinite(mean) else {},
    }


def warning(words: str) -> dict[str, Any]:
    """The budget has something to say."""
    return {"kind": "warning", "words": short(words)}


def short(text: str) -> str:
    """The first line of a text, as people may be shown it."""
    return cut(printable(text.splitlines()[0] if text else ""), MOST_TEXT)


def words_of(facts: Facts, run: str) -> str:
    """A message in a line or two for people."""
    match facts["kind"]:
        case "opened":
            seeds = facts["seeds"]
            return f"golf {run}: started, {counted(len(seeds), 'seed')} ({listed(seeds)}), track {facts['track']}"
        case "done":
            told = f"golf {run}: seed {facts['seed']} {facts['status']}"
            figures = told_figures(facts["figures"])
            return f"{told}: {facts['reason'] or figures or 'nothing was measured'}"
        case "verdict":
            told = told_figures(facts["figures"])
            first = f"golf {run}: {facts['status']}, {counted(facts['completed'], 'seed')} completed"
            return "\n".join([f"{first}{told and ', '}{told}", *facts["reasons"]])
        case "warning":
            return f"golf {run}: {facts['words']}"
        case _:
            return ""


FIGURES = {
    "val_bpb": ("bpb", ".4f"),
    "mean_val_bpb": ("mean bpb", ".4f"),
    "total_bytes": ("bytes", ","),
    "train_seconds": ("training s", ".1f"),
    "eval_seconds": ("evaluation s", ".1f"),
}


def told_figures(figures: Mapping[str, float]) -> str:
    """`bpb 1.2244, bytes 15,863,489`."""
    return ", ".join(f"{name} {figures[key]:{form}}" for key, (name, form) in FIGURES.items() if key in figures)
