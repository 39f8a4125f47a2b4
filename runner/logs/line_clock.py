"""The clocks of a script that announces nothing: read from when its lines arrived.

Training begins between the line before the first step's and that line itself (at it where the first line is a
validation, which the official script prints just before its clock starts), and ends between the last training step's
line and the line that says so. Mid-run validation is free, but takes an unknown part of the time since the line
before it. So every clock here is an interval; what the log claims about time plays no part. Pure.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from runner.logs.log_facts import MAX_LINE
from runner.results import Interval

MAX_TOLD = 4096
"""Bytes of a line that patterns are tried on."""


@dataclass
class LineClock:
    """Fed with lines as they arrive; seconds are since the process started."""

    step: re.Pattern[str]
    trained: re.Pattern[str]
    stop: re.Pattern[str]
    score: re.Pattern[str]
    began: Interval | None = None
    """When training began."""
    before: float = 0.0
    """When the last line of any kind came."""
    last_step: float | None = None
    last_trained: float | None = None
    stopped: float | None = None
    scored: float | None = None
    epoch: float | None = None
    """When the process started, seconds since the epoch by the node's wall clock; None where that clock was set."""
    pauses: float = 0.0
    """Most that mid-run validation may have taken."""

    def feed(self, seconds: float, line: str) -> None:
        """Take one line."""
        if self.step.search(line) and self.stopped is None:
            self._step(seconds, bool(self.trained.search(line)))
        elif self.stop.search(line) and self.stopped is None and self.began is not None:
            self.stopped = seconds
        if self.score.search(line):
            self.scored = seconds
        self.before = seconds

    def _step(self, seconds: float, trained: bool) -> None:
        if self.began is None:
            low = self.before if trained else seconds
            self.began = Interval(low=low, high=seconds)
        elif not trained:
            self.pauses += seconds - (self.last_step or seconds)
        self.last_step = seconds
        if trained:
            self.last_trained = seconds

    def since_start(self, stamp: float) -> float | None:
        """A file's time as seconds since the process started; None where the wall clock was set in between."""
        return None if self.epoch is None else round(stamp - self.epoch, 3)

    def train(self, last_read: float | None = None) -> tuple[Interval | None, Interval | None]:
        """(official, strict) training time; None where no first step or no end was seen.

        last_read: when the process was last seen reading training data; what comes after the stop line counts.
        """
        if self.began is None or self.last_trained is None or self.stopped is None:
            return None, None
        least = max(self.last_trained, last_read or 0.0)
        most = max(self.stopped, last_read or 0.0)
        official = Interval(
            low=round(max(0.0, least - self.began.high - self.pauses), 3), high=round(most - self.began.low, 3)
        )
        strict = Interval(low=round(max(0.0, least - self.began.high), 3), high=round(most, 3))
        return official, strict

    def evaluation(self, frozen: float | None, wall: float) -> tuple[Interval | None, Interval | None]:
        """(official, strict) time of scoring in the training process: what comes after the artifact is frozen.

        frozen: when the artifact was last written, None where that is not known. None where no score was seen.
        """
        if self.scored is None or self.stopped is None:
            return None, None
        low = 0.0 if frozen is None else max(0.0, self.scored - max(frozen, self.stopped))
        taken = Interval(low=round(low, 3), high=round(max(low, wall - self.stopped), 3))
        return taken, taken


class Arrivals:
    """Joins bytes of a log with the supervisor's notes of how far the log reached when: lines with their times."""

    def __init__(self, clock: LineClock) -> None:
        self.clock = clock
        self.pending = bytearray()
        self.offset = 0
        """Of the log, where `pending` begins."""
        self.notes: deque[tuple[int, float]] = deque()
        self.inside = False
        """Whether `pending` begins inside a line whose beginning was dropped."""

    def note(self, end: int, seconds: float) -> None:
        """The log reached `end` bytes at this time."""
        self.notes.append((end, seconds))

    def take(self, data: bytes) -> None:
        """The next bytes of the log; time and memory grow with what is new, however much of it there is."""
        self.pending += data
        begin = 0
        while self.notes and self.notes[0][0] - self.offset <= len(self.pending):
            end, seconds = self.notes.popleft()
            *lines, rest = bytes(self.pending[begin : end - self.offset]).split(b"\n")
            if self.inside and lines:
                lines[0], self.inside = b"", False  # the end of such a line is none that we look for
            for line in lines:
                self.clock.feed(seconds, line[:MAX_TOLD].decode("utf-8", "replace").rstrip("\r"))
            if self.inside or len(rest) > MAX_LINE:  # nothing that we look for is as long
                self.inside, rest = True, b""
            begin = end - self.offset - len(rest)
        del self.pending[:begin]
        self.offset += begin
