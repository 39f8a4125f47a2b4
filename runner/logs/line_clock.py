"""What the lines and announcements of somebody else's script told of its phases, and when.

Fed with them as they arrive; memory does not grow with the log. How long training and evaluation took by that is
not here (`script_clocks`). Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from runner.logs.clocks import PAUSE, Stamp, first, irregularity
from runner.logs.own_time import NEAR_S, OwnTime
from runner.results.frozen import Interval

LATE_S = 0.05
"""How late an arrival may be noticed; no time is taken more exactly, a script's own neither."""
MOST_TURNS = 64
"""As often is it kept that training went on after a line that said it was over."""


@dataclass(frozen=True)
class LinePatterns:
    """How a script writes the lines that its clocks are read from."""

    step: re.Pattern[str]
    trained: re.Pattern[str]
    score: re.Pattern[str]
    stop: re.Pattern[str] | None = None
    warmup: re.Pattern[str] | None = None
    train_time: re.Pattern[str] | None = None
    """Its own training time: group `ms` or `s`."""
    train_start: re.Pattern[str] | None = None
    train_end: re.Pattern[str] | None = None

    def claim(self, line: str) -> float | None:
        """The script's own training time as a line tells it, seconds; None where it does not."""
        found = self.train_time.search(line) if self.train_time is not None else None
        if found is None:
            return None
        told = found.groupdict()
        try:
            return float(told["ms"]) / 1000 if told.get("ms") else float(told["s"])
        except (KeyError, TypeError, ValueError):
            return None


@dataclass
class Stretch:
    """Training as its lines told it so far; seconds since the process started."""

    own: OwnTime = field(default_factory=OwnTime)
    before: float = 0.0
    """When the line before the first step's came."""
    first_step: float | None = None
    first_trained: float | None = None
    last_step: float | None = None
    last_trained: float | None = None
    stopped: float | None = None
    """When a line said that training was over."""
    pauses: float = 0.0
    """Most that validations between the first and the last training step's line took, each noticed late."""
    open_pauses: float = 0.0
    """The same after the last training step's line."""

    def step(self, seconds: float, trained: bool, before: float, *, paused: bool) -> None:
        """A line of a training step, or of a validation.

        before: when the line before it came; paused: whether there was a validation since the last such line.
        """
        if self.first_step is None:
            self.first_step, self.before = seconds, before
        elif paused and self.first_trained is not None and self.last_step is not None:
            self.open_pauses += seconds - self.last_step + LATE_S
        self.last_step = seconds
        if trained:
            self.first_trained = seconds if self.first_trained is None else self.first_trained
            self.last_trained = seconds
            self.pauses, self.open_pauses = self.pauses + self.open_pauses, 0.0

    @property
    def began(self) -> Interval | None:
        """When training began, by lines: after the line before its first step's, or after a first validation's."""
        if self.first_step is None or self.first_trained is None:
            return None
        low = self.before if self.first_step == self.first_trained else self.first_step
        return Interval(low=low, high=self.first_trained)


class LineClock:
    """Takes lines and announcements in the order of their arrival; seconds are since the process started."""

    def __init__(self, patterns: LinePatterns) -> None:
        self.patterns = patterns
        self.now = Stretch()
        self.turns: list[tuple[Stretch, float]] = []
        """What was known each time that training went on after a line that said it was over, and when it did."""
        self.announced: list[Stamp] = []
        self.told: list[Stamp] = []
        """`train_start` and `train_end` as lines say them."""
        self.before = 0.0
        """When the last line of any kind came."""
        self.warm: float | None = None
        """When the last line of a warm-up step came before training."""
        self.scored: float | None = None
        self.epoch: float | None = None
        """When the process started, seconds since the epoch by the node's wall clock; None where it was set since."""
        self.odd = ""

    def announce(self, name: str, seconds: float) -> None:
        """Take one announcement."""
        self.announced.append((name, seconds))

    def feed(self, seconds: float, line: str) -> None:
        """Take one line; an empty one says nothing."""
        if not line.strip():
            return
        how, now = self.patterns, self.now
        for name, pattern in (("train_start", how.train_start), ("train_end", how.train_end)):
            if pattern is not None and pattern.search(line) and len(self.told) < MOST_TURNS:
                self.told.append((name, seconds))
        if how.step.search(line):
            self._step(seconds, line)
        elif how.stop is not None and how.stop.search(line):
            if now.first_step is not None and now.stopped is None:
                now.stopped = seconds
                now.own.take(seconds, how.claim(line), paused=True)
        elif how.warmup is not None and now.first_step is None and how.warmup.search(line):
            self.warm = seconds
        if how.score.search(line):
            self.scored = seconds
        self.before = seconds

    def _step(self, seconds: float, line: str) -> None:
        trained = bool(self.patterns.trained.search(line))
        if self.now.stopped is not None:
            if not trained:
                return  # weights may be validated more than once
            if len(self.turns) < MOST_TURNS:
                self.turns.append((replace(self.now, own=replace(self.now.own)), seconds))
            self.now.stopped = None
        paused = not trained or self._announced_pause(seconds)
        self.now.step(seconds, trained, self.before, paused=paused)
        self.now.own.take(seconds, self.patterns.claim(line), paused=paused)
        if trained and self._paused(seconds):
            self.odd = self.odd or "a training step's line came while a validation was announced"

    def _announced_pause(self, seconds: float) -> bool:
        """Whether a validation was announced since the last line of a step."""
        last = self.now.last_step
        if last is None or not self.announced:
            return False
        latest = next((stamp for name, stamp in reversed(self.announced) if name in PAUSE and stamp <= seconds), None)
        return latest is not None and latest > last

    def _paused(self, seconds: float) -> bool:
        """Whether it had announced a validation a while before, and not its end."""
        for name, stamp in reversed(self.announced):
            if stamp <= seconds and name in PAUSE:
                return name == PAUSE[0] and stamp < seconds - NEAR_S
        return False

    def since_start(self, stamp: float) -> float | None:
        """A file's time as seconds since the process started; None where the wall clock was set in between."""
        return None if self.epoch is None else round(stamp - self.epoch, 3)

    def until(self, frozen: float | None) -> Stretch:
        """What the lines told until the artifact was last written: steps that follow are in no artifact."""
        if frozen is not None:
            for stretch, went_on in self.turns:
                if went_on > frozen:
                    return stretch
        return self.now

    def mark(self, name: str) -> float | None:
        """When the script said itself that a phase begins or ends; an announcement counts before a line."""
        stamp = first(self.announced, name)
        return first(self.told, name) if stamp is None else stamp

    def irregularity(self, last_trained: float | None, last_read: float | None) -> str:
        """What contradicts its announcements, or ''; last_read: of a training shard, by the script for sure."""
        odd = irregularity(self.announced) or irregularity(self.told) or self.odd
        start, end, first_trained = self.mark("train_start"), self.mark("train_end"), self.now.first_trained
        if odd:
            return odd
        if start is not None and first_trained is not None and first_trained < start - NEAR_S:
            return f"a training step's line came {start - first_trained:.1f} s before training was said to begin"
        for what, when in (("a training step's line came", last_trained), ("a training shard was read", last_read)):
            if end is not None and when is not None and when > end + NEAR_S:
                return f"{what} {when - end:.1f} s after training was said to be over"
        return ""
