"""Whether the system's wall clock was set while something ran.

Everything is timed on monotonic clocks. Only when a file was last changed is told by the wall clock, and may be set
against a process's time only while the two clocks keep step. The clocks are parameters, so that tests can set them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

STEP_S = 0.05
"""A step between two looks that no slewing makes (NTP's is 0.5 ms a second)."""


class WallClock:
    """The wall clock beside the monotonic one."""

    def __init__(self, wall: Callable[[], float] | None = None, steady: Callable[[], float] | None = None) -> None:
        self.wall = wall or time.time
        self.steady = steady or time.monotonic
        self.apart, _ = self._look()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.wall()

    def jumped(self) -> bool:
        """Whether it was set since the last look."""
        before = self.apart
        self.apart, slack = self._look()
        return abs(self.apart - before) > STEP_S + slack

    def _look(self) -> tuple[float, float]:
        """How far the clocks are apart, and how wrong that may be because we were not running in between."""
        looks = []
        for _ in range(3):
            before = self.steady()
            wall = self.wall()
            after = self.steady()
            looks.append((after - before, wall - (before + after) / 2))
        slack, apart = min(looks)
        return apart, slack
