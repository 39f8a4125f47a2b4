"""The contest's clocks, computed from stamped events. Pure: no process, no wall time, no judgement.

RULES: training runs from `train_start` to `train_end`; the official clock leaves mid-run validation out, the
strict one starts at the first read of training data (`warmup_start` where there is a warm-up) and leaves
nothing out. Evaluation runs from `eval_start` to `eval_end`; strictly it is the whole process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.results.frozen import Interval

Stamp = tuple[str, float]
"""(event name, seconds after process start)"""


def first(stamps: Sequence[Stamp], name: str) -> float | None:
    """When `name` first came, or None."""
    return next((seconds for event, seconds in stamps if event == name), None)


def first_times(stamps: Sequence[Stamp]) -> dict[str, float]:
    """Each event's first arrival, in order of arrival."""
    times: dict[str, float] = {}
    for event, seconds in stamps:
        times.setdefault(event, seconds)
    return times


def paused_seconds(stamps: Sequence[Stamp]) -> float:
    """Time spent in mid-run validation; a validation that never ended counts nothing."""
    total, begun = 0.0, None
    for event, seconds in stamps:
        if event == "validation_start":
            begun = seconds
        elif event == "validation_end" and begun is not None:
            total, begun = total + seconds - begun, None
    return total


def exactly(seconds: float) -> Interval:
    """An interval stamped by ourselves."""
    return Interval(low=round(seconds, 6), high=round(seconds, 6))


ONCE = ("warmup_start", "train_start", "train_end", "artifact_frozen", "eval_start", "eval_end")
PAUSE = ("validation_start", "validation_end")


def irregularity(stamps: Sequence[Stamp]) -> str:
    """What contradicts the order in which phases are announced, or ''."""
    names = [event for event, _ in stamps]
    for name in ONCE:
        if names.count(name) > 1:
            return f"{name} was announced {names.count(name)} times"
    order = [name for name in names if name in ONCE]
    if order != sorted(order, key=ONCE.index):
        return f"events out of order: {', '.join(order)}"
    pauses = [name for name in names if name in PAUSE]
    if pauses != list(PAUSE) * (len(pauses) // 2):
        return "a mid-run validation began twice or never ended"
    return ""


def train_clocks(stamps: Sequence[Stamp]) -> tuple[Interval | None, Interval | None]:
    """(official, strict) training time, or None for what was never seen or makes no sense."""
    start, end = first(stamps, "train_start"), first(stamps, "train_end")
    if start is None or end is None or irregularity(stamps):
        return None, None
    paused, warmup = paused_within(stamps, start, end), first(stamps, "warmup_start")
    return exactly(end - start - paused), exactly(end - (start if warmup is None else warmup))


def paused_within(stamps: Sequence[Stamp], start: float, end: float) -> float:
    """Seconds of mid-run validation between two moments."""
    return paused_seconds([stamp for stamp in stamps if start <= stamp[1] <= end])


def paused_in_training(stamps: Sequence[Stamp]) -> float | None:
    """What the official training clock leaves out; None where there is no such clock."""
    start, end = first(stamps, "train_start"), first(stamps, "train_end")
    if start is None or end is None or irregularity(stamps):
        return None
    return paused_within(stamps, start, end)


JOURNAL_EVERY_S = 1.0
"""Seconds between two notes of a supervisor's journal."""
JOURNAL_LATE_S = 0.5
"""How much later than that a note may come."""


def journal_clocks(note: Mapping[str, Any]) -> tuple[Interval, Interval]:
    """(official, strict) training time of a life by the last note of its supervisor.

    note: `now`, `paused` (seconds of mid-run validation so far), `events` (first times), `over` (whether the note is
    the last one that the supervisor meant to write), `late` (seconds in which it was held up while events came). One
    that was killed may have lived until the next note was due.
    """
    events: Mapping[str, float] = note["events"]
    now, paused = float(note["now"]), float(note["paused"])
    late = float(note.get("late", 0.0))
    more = late + (0.0 if note["over"] or "train_end" in events else JOURNAL_EVERY_S + JOURNAL_LATE_S)
    end = float(events.get("train_end", now))
    start = events.get("train_start")
    official = 0.0 if start is None else max(0.0, end - start - paused)
    first_read = events.get("warmup_start", start)
    strict = 0.0 if first_read is None else max(0.0, end - first_read)
    return between(official, more), between(strict, more)


def between(low: float, more: float) -> Interval:
    """At least `low` seconds and at most `more` on top."""
    return Interval(low=round(low, 3), high=round(low + more, 3))


def with_earlier(clock: Interval | None, earlier: Sequence[Interval]) -> Interval | None:
    """A clock that also counts earlier lives."""
    if clock is None:
        return None
    lives = [clock, *earlier]
    return Interval(low=round(sum(one.low for one in lives), 6), high=round(sum(one.high for one in lives), 6))


def widened(clock: Interval | None, seconds: float) -> Interval | None:
    """A clock whose stamps may each be late, all together by so much."""
    if clock is None or not seconds:
        return clock
    return Interval(low=round(max(0.0, clock.low - seconds), 6), high=round(clock.high + seconds, 6))


def eval_clocks(stamps: Sequence[Stamp], wall_seconds: float) -> tuple[Interval | None, Interval | None]:
    """(official, strict) evaluation time; the strict one is the process from start to end."""
    start, end = first(stamps, "eval_start"), first(stamps, "eval_end")
    strict = exactly(wall_seconds)
    if start is None or end is None or irregularity(stamps):
        return None, strict
    return exactly(end - start), strict
