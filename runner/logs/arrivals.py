"""Joins bytes of a log with notes of how far the log reached when: its lines with their times. Pure."""

from __future__ import annotations

from collections import deque

from runner.logs.line_clock import LineClock
from runner.logs.lines import LineSplitter

MAX_TOLD = 4096
"""Bytes of a line that patterns are tried on."""


class Arrivals:
    """Feeds a clock; time and memory grow with what is new, however much of it there is."""

    def __init__(self, clock: LineClock) -> None:
        self.clock = clock
        self.pending = bytearray()
        """Bytes of which is not yet known when they came."""
        self.offset = 0
        """Of the log, where `pending` begins."""
        self.notes: deque[tuple[int, float]] = deque()
        self.lines = LineSplitter()
        self.grew = 0.0
        """When the line that has not ended last grew; a progress bar's ends only with its next state."""

    def note(self, end: int, seconds: float) -> None:
        """The log reached `end` bytes at this time."""
        self.notes.append((end, seconds))

    def take(self, data: bytes) -> None:
        """The next bytes of the log."""
        self.pending += data
        begin = 0
        while self.notes and begin < len(self.pending):
            reached, seconds = self.notes[0]
            end = min(reached, self.offset + len(self.pending))  # what a note tells of is there in pieces
            if end == reached:
                self.notes.popleft()
            held = self.lines.partial
            for line, _ in self.lines.feed(bytes(self.pending[begin : end - self.offset])):
                self._give(line, self.grew if line == held and held else seconds)
                held = b""
            if self.lines.partial != held:
                self.grew = seconds
            begin = end - self.offset
        del self.pending[:begin]
        self.offset += begin

    def finish(self) -> None:
        """The log is over: its last line needs no end."""
        if self.lines.partial:
            self._give(self.lines.partial, self.grew)
            self.lines = LineSplitter()

    def _give(self, line: bytes, seconds: float) -> None:
        self.clock.feed(seconds, line[:MAX_TOLD].decode("utf-8", "replace"))
