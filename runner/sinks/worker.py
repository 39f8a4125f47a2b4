"""The process of one sink: hears the driver on stdin, reads running logs from disk, and feeds one library.

    python -m runner.sinks.worker ORDER

Whatever goes wrong here ends here: the driver hears at most a few lines. Once stdin ends, whoever ended it, there are
PATIENCE_S seconds to finish in. What libraries print goes nowhere, since it may hold what nobody should read.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from runner.listing import counted
from runner.logs.patterns import PatternError, bounded_pattern
from runner.sinks.secrets import held, struck
from runner.sinks.sink import Order, Sink, SinkError
from runner.sinks.tail import LogTail

POLL_S = 1.0
PATIENCE_S = 20.0
MOST_PROBLEMS = 5
"""A sink that fails so often is left alone."""
READ = 1 << 16
MOST_SAID = 200

Say = Callable[[dict[str, Any]], None]
MAKERS = {
    "tensorboard": ("runner.sinks.tensorboard_sink", "TensorBoardSink"),
    "wandb": ("runner.sinks.wandb_sink", "WandbSink"),
    "mlflow": ("runner.sinks.mlflow_sink", "MlflowSink"),
    "webhook": ("runner.sinks.webhook", "WebhookSink"),
}
"""Kind of sink -> module and class."""


class GaveUp(Exception):
    """It failed MOST_PROBLEMS times."""


class Worker:
    """Passes messages and points on to a sink, and keeps count."""

    def __init__(self, order: Order, say: Say) -> None:
        self.order = order
        self.say = say
        self.sink: Sink | None = None
        self.tails: dict[int, LogTail] = {}
        """Seed -> log of its running attempt."""
        self.patterns: list[re.Pattern[str]] = []
        self.problems = self.seeds = self.steps = 0

    def hear(self, line: bytes) -> None:
        """Take one message of the driver's."""
        facts = json.loads(line)
        kind = facts["kind"]
        if kind == "opened":
            for pattern in facts["patterns"]:
                with suppress(PatternError):
                    self.patterns.append(bounded_pattern(pattern))
            self._try(self._open)
        if self.sink is None:
            return
        if kind == "done":
            self._look(facts["seed"])
            self.tails.pop(facts["seed"], None)
            self.seeds += 1
        if kind == "started" and facts["log"]:
            self.tails[facts["seed"]] = LogTail(Path(facts["log"]), self.patterns)
        self._try(lambda: getattr(self.sink, kind)(facts))

    def look(self) -> None:
        """Read what running logs have to say."""
        for seed in list(self.tails):
            self._look(seed)

    def close(self) -> None:
        """Read what is left, close the sink, and say what it was told."""
        self.look()
        told: list[str] = []
        if self.sink is not None and self._try(lambda: told.append(self.sink.close() if self.sink else "")):
            steps = f", {counted(self.steps, 'line')} of steps" if self.order.kind != "webhook" else ""
            self.say({"told": f"{counted(self.seeds, 'seed')}{steps}: {told[0]}", "problems": self.problems})

    def _open(self) -> None:
        module, name = MAKERS[self.order.kind]
        self.sink = getattr(import_module(module), name)(self.order)

    def _look(self, seed: int) -> None:
        tail = self.tails.get(seed)
        points = [] if tail is None else list(tail.points())
        if points and self.sink is not None:
            sink = self.sink
            self.steps += len(points) * self._try(lambda: sink.points(seed, points))

    def _try(self, step: Callable[[], None]) -> bool:
        """Whether it worked; what did not is said."""
        try:
            step()
        except Exception as error:
            self.problems += 1
            kind = "" if isinstance(error, SinkError) else f"{type(error).__name__}: "
            lines = str(error).strip().splitlines() or ["no reason given"]
            self.say({"problem": f"{kind}{lines[0]}", "problems": self.problems})
            if self.problems >= MOST_PROBLEMS or self.sink is None:
                raise GaveUp from None
            return False
        return True


def serve(order: Order, source: int, say: Say) -> None:
    """Work until `source`, a descriptor, ends."""
    worker, rest = Worker(order, say), b""
    try:
        while True:
            ready, _, _ = select.select([source], [], [], POLL_S)
            if ready:
                data = os.read(source, READ)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    worker.hear(line)
            worker.look()
        patience = threading.Timer(PATIENCE_S, os._exit, (1,))
        patience.daemon = True
        patience.start()
        worker.close()
    except GaveUp:
        return
    except Exception as error:
        say({"problem": f"{type(error).__name__} in golf's own part of it", "problems": worker.problems + 1})


def main() -> None:
    """Entry point."""
    with suppress(OSError):
        os.nice(10)  # the machine may be the one that trains
    order = Order(**json.loads(sys.argv[1]))
    if order.kind == "tensorboard":  # it would import torch: seconds and hundreds of MiB, for no use here
        sys.modules["torch"] = None  # type: ignore[assignment]
    secrets = held(order.variables)
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def say(facts: dict[str, Any]) -> None:
        plain = {
            key: struck(value, secrets)[:MOST_SAID] if isinstance(value, str) else value
            for key, value in facts.items()
        }
        with suppress(OSError):
            os.write(answers, json.dumps(plain).encode() + b"\n")

    serve(order, 0, say)
    os._exit(0)  # a thread of a library that hangs must not keep the process


if __name__ == "__main__":
    main()
