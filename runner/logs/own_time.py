"""What a script's lines say of its training time, held against when they arrived.

Between two lines of training steps nothing but training happens, so there the script's clock and ours must run alike:
that part is compared. Where a mid-run validation lies between two lines, only the script knows how long it took; what
it says must fit into the time between them. Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

NEAR_S = 0.5
"""How far apart two arrivals of one moment may be."""
SHARE = 0.01
"""The same as a share of a long time: RULES, where log and referee disagree."""


@dataclass
class OwnTime:
    """Fed with lines in the order of their arrival, seconds since the process started."""

    first: tuple[float, float] | None = None
    """(arrival, what it said) of the first line that told a time."""
    last: tuple[float, float] | None = None
    arrived: float = 0.0
    """Seconds between lines with nothing but training between them, as they arrived."""
    claimed: float = 0.0
    """The same as the lines say."""
    paused: bool = False
    """Whether a validation came since `last`."""
    broken: bool = False
    """Whether something was said that can be no clock."""

    def take(self, arrival: float, claim: float | None, *, paused: bool) -> None:
        """One line of training, what it says of its time, None where it says nothing.

        paused: whether a validation came since the line before it.
        """
        self.paused = self.paused or paused
        if claim is None:
            return
        if not (math.isfinite(claim) and 0 <= claim <= arrival + NEAR_S):
            self.broken = True
            return
        if self.first is None or self.last is None:
            self.first = (arrival, claim)
        else:
            passed, said = arrival - self.last[0], claim - self.last[1]
            if not self.paused:
                self.arrived += passed
                self.claimed += said
            self.broken = self.broken or said < 0 or said > passed + NEAR_S
        self.last, self.paused = (arrival, claim), False

    @property
    def apart(self) -> float:
        """How far the two clocks are apart where they can be compared; positive where the script says too little."""
        return self.arrived - self.claimed

    @property
    def trouble(self) -> str:
        """Why what the script says is no clock; '' where it may be one, and where it says nothing."""
        if self.broken:
            return "its own training time is not possible by when its lines came"
        if abs(self.apart) > max(NEAR_S, SHARE * self.arrived):
            return f"its own training time is {abs(self.apart):.1f} s off over {self.arrived:.1f} s"
        return ""

    def span(self) -> tuple[float, float] | None:
        """(least, most) training time up to `last` by what the script says; None where that is no clock.

        Both are the same where its clock and arrivals run alike.
        """
        if self.last is None or self.trouble:
            return None
        ends = (self.last[1], self.last[1] + self.apart)
        return min(ends), max(ends)
