"""Event files for TensorBoard, by tensorboardX: a folder for the run, in it one for each attempt of a seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from runner.sinks.sink import Order
from runner.sinks.tail import Point
from runner.sinks.told import Facts, words_of

FLUSH_S = 5


class TensorBoardSink:
    """Scalars over steps; what an attempt came to and the verdict as scalars at its last step, and as text."""

    def __init__(self, order: Order) -> None:
        self.folder = Path(order.folder)
        self.run = ""
        self.writers: dict[int, Any] = {}
        """Seed -> writer of its running attempt."""
        self.steps: dict[int, int] = {}

    def opened(self, facts: Facts) -> None:
        self.run = facts["run"]

    def started(self, facts: Facts) -> None:
        seed, attempt = facts["seed"], facts["attempt"]
        self._end(seed)
        self.writers[seed] = self._writer(f"seed-{seed}" + (f"-attempt-{attempt}" if attempt > 1 else ""))

    def points(self, seed: int, points: Sequence[Point]) -> None:
        for point in points:
            self.steps[seed] = max(point.step, self.steps.get(seed, 0))
            for name, value in point.figures.items():
                self.writers[seed].add_scalar(name, value, point.step)

    def done(self, facts: Facts) -> None:
        seed = facts["seed"]
        writer = self.writers.get(seed)
        if writer is None:
            return
        for name, value in facts["figures"].items():
            writer.add_scalar(f"final/{name}", value, self.steps.get(seed, 0))
        writer.add_text("end", words_of(facts, self.run), self.steps.get(seed, 0))
        self._end(seed)

    def verdict(self, facts: Facts) -> None:
        writer = self._writer("verdict")
        for name, value in facts["figures"].items():
            writer.add_scalar(f"verdict/{name}", value, 0)
        writer.add_text("verdict", words_of(facts, self.run), 0)
        writer.close()

    def warning(self, facts: Facts) -> None:
        writer = self._writer("budget")
        writer.add_text("budget", facts["words"], 0)
        writer.close()

    def close(self) -> str:
        for seed in list(self.writers):
            self._end(seed)
        return f"tensorboard --logdir {self.folder}"

    def _writer(self, name: str) -> Any:
        return SummaryWriter(str(self.folder / self.run / name), flush_secs=FLUSH_S)

    def _end(self, seed: int) -> None:
        writer = self.writers.pop(seed, None)
        if writer is not None:
            writer.close()
