"""What a log that is still written says of steps: read from disk by whoever shows it, so that no driver waits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.logs.lines import LineSplitter
from runner.logs.log_facts import LogReader

PIECE = 1 << 16
MOST_PIECES = 64
"""Pieces that are read at a time, so that a flood keeps nobody from hearing what else there is."""
MOST_POINTS = 100_000
"""Of one attempt."""
NAMES = {
    "train_loss": "train/loss",
    "live_val_loss": "val/loss",
    "live_val_bpb": "val/bpb",
    "train_seconds": "train/clock_s",
    "step_avg_ms": "train/step_ms",
}
"""Fact of a line -> what it is called where it is shown."""


@dataclass(frozen=True)
class Point:
    """What one line says of a step."""

    step: int
    figures: dict[str, float]
    """Name -> value, finite."""


class LogTail:
    """Points of one attempt's training log; each is given out once."""

    def __init__(self, path: Path, patterns: Sequence[re.Pattern[str]] = ()) -> None:
        """patterns: how somebody else's script tells of a step."""
        self.path = path
        self.reader = LogReader(own=tuple(patterns))
        self.splitter = LineSplitter()
        self.read = 0
        self.given = 0

    def points(self) -> Iterator[Point]:
        """What is new."""
        for piece in self._pieces():
            for line, _ in self.splitter.feed(piece):
                point = self._point(line.decode("utf-8", "replace"))
                if point is not None and self.given < MOST_POINTS:
                    self.given += 1
                    yield point

    def _pieces(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                file.seek(self.read)
                for _ in range(MOST_PIECES):
                    piece = file.read(PIECE)
                    if not piece:
                        return
                    self.read += len(piece)
                    yield piece
        except OSError:
            return  # not written yet, or the disk is full: the log itself is the driver's business

    def _point(self, line: str) -> Point | None:
        facts = self.reader.facts
        facts.clear()
        self.reader.claim(line)
        step = facts.get("steps")
        told = {name: facts.get(fact) for fact, name in NAMES.items()}
        figures = {name: float(value) for name, value in told.items() if value is not None and math.isfinite(value)}
        return Point(step, figures) if isinstance(step, int) and figures else None
