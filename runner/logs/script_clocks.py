"""The clocks of somebody else's script: from what was seen of it to intervals that hold the truth.

By arrival alone, training begins at the first reading of a training shard, at the latest where the first step's line
shows that it has begun, and ends between the last training step's line and the line that says that it is over, both
before the artifact was last written. A mid-run validation is free, but nobody saw how much of the time between two
lines it took. That interval holds the truth whatever the script says.

What the script says of its time (`train_time` in its lines; a line or an announcement that training begins or ends)
only narrows it: where arrivals do not contradict it, and where it takes off no more than WORD_SHARE. The result says
what it was narrowed by. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from runner.logs.clocks import Stamp, exactly, first, irregularity, paused_seconds
from runner.logs.line_clock import LATE_S, LineClock, Stretch
from runner.logs.own_time import NEAR_S
from runner.logs.spans import Spans
from runner.results.frozen import Interval
from runner.results.phases import Compared

BURST_S, BURST_SHARE = 2.0, 0.01
"""Loading a first shard before its own clock starts may take a script so long, or that share of all its time if that
is more; reading for longer is training."""
WORD_S, WORD_SHARE = 3.0, 1 / 3
"""What a script says may take off so much of what arrivals allow, whichever is more; else it is not believed."""
GPU_LAG_S = 1.0
"""How late a GPU's driver may tell that it is busy."""
NO_STEP = (
    "no line of a training step was seen: print some, or name them in outputs.step and outputs.trained, or let the "
    "script announce its phases (outputs.announce)"
)
NO_END = "nothing tells when training ended: no line of outputs.stop, no announcement, no artifact"
OWN_TIME, ANNOUNCED, SAID = "its own training time", "what it announced", "its lines of start and end"


@dataclass(frozen=True)
class Seen:
    """What was seen beside lines; seconds since the process started."""

    reads: Spans = field(default_factory=Spans)
    """Of training shards on the node."""
    ours: bool = False
    """Whether nobody else can have read them."""
    frozen: float | None = None
    """When the artifact was last written."""
    gpu: Spans | None = None
    """When a GPU of the node was busy; None where nobody looked all the time."""

    @property
    def last_read(self) -> float | None:
        """The last reading that was the script's for sure."""
        return self.reads.last if self.ours else None


@dataclass(frozen=True)
class ScriptClock:
    """How long a phase of somebody else's script took."""

    official: Interval | None = None
    strict: Interval | None = None
    """From the first reading of training data on, nothing left out."""
    arrival: Interval | None = None
    """The official clock by arrival alone, where what the script says made `official` narrower."""
    narrowed_by: str = ""
    """What the script said that made it narrower."""
    doubt: str = ""
    """Why what it said was not used."""
    irregular: str = ""
    """What contradicts its announcements, or what was not seen; then there is no official clock."""
    ended: float | None = None
    """When it said that training was over; else the latest that it can have been."""
    own: float | None = None
    """Training time as the last line that tells one says."""
    compared: Compared | None = None


@dataclass(frozen=True)
class Word:
    """A duration by what the script says, and what says so."""

    low: float
    high: float
    by: str


def narrowed(clock: ScriptClock, word: Word) -> ScriptClock:
    """A clock by arrival, narrowed by the script's word where that may be believed."""
    wide = clock.official
    assert wide is not None
    low, high = max(wide.low, word.low - LATE_S), min(wide.high, word.high + LATE_S)
    if low > high:
        return replace(clock, doubt=f"{word.by} is not within what arrived")
    if wide.high - high > max(WORD_S, WORD_SHARE * wide.high):
        return replace(clock, doubt=f"{word.by} takes off {wide.high - high:.1f} s, too much to go by it alone")
    official = interval(low, high)
    return clock if official == wide else replace(clock, official=official, arrival=wide, narrowed_by=word.by)


def train_time(clock: LineClock, seen: Seen) -> ScriptClock:
    """Training; without a first step and an end there is no interval."""
    lines = clock.until(seen.frozen)
    irregular = clock.irregularity(lines.last_trained, seen.last_read)
    began, over = _began(clock, lines, seen), _over(clock, lines, seen)
    if began is None or over is None:
        return ScriptClock(irregular=irregular or (NO_STEP if began is None else NO_END))
    own, ended = lines.own, clock.mark("train_end")
    ended = lines.stopped if ended is None else ended
    found = ScriptClock(
        official=None if irregular else _by_arrival(lines, began, over, seen),
        strict=_strict(lines, began, over, seen),
        irregular=irregular,
        ended=round(over if ended is None else ended, 3),
        own=None if own.last is None else own.last[1],
        compared=Compared(arrived=round(own.arrived, 3), claimed=round(own.claimed, 3)) if own.arrived else None,
    )
    if irregular:
        return found
    words = [_marked(clock, lines, began, over, seen), _own_time(clock, lines, over, seen)]
    said = sorted((word for word in words if word is not None), key=lambda word: word.high - word.low)
    if not said:
        return replace(found, doubt=own.trouble)
    if min(word.high for word in said) + NEAR_S < max(word.low for word in said):
        return replace(found, doubt=f"{said[0].by} and {said[1].by} contradict each other")
    return narrowed(found, said[0])


def _began(clock: LineClock, lines: Stretch, seen: Seen) -> Interval | None:
    """Between the first reading, or what stands in for it where none was seen, and the first step's line."""
    began, said = lines.began, clock.mark("train_start")
    if began is None and said is not None:
        began = Interval(low=said, high=said)
    if began is None:
        return None
    low = min(stamp for stamp in (began.low, said, seen.reads.first) if stamp is not None)
    busy = None if seen.gpu is None else seen.gpu.first_from(low)
    return Interval(low=low if busy is None else min(began.high, max(low, busy - GPU_LAG_S)), high=began.high)


def _over(clock: LineClock, lines: Stretch, seen: Seen) -> float | None:
    """The latest that training can have ended: what is in the artifact was learnt before that was written."""
    said = [stamp for stamp in (lines.stopped, clock.mark("train_end")) if stamp is not None]
    if not said and (seen.frozen is None or lines.last_trained is None):
        return None
    over = min(stamp for stamp in (max(said, default=None), seen.frozen) if stamp is not None)
    busy = None if seen.gpu is None else seen.gpu.last_until(over)
    if busy is not None:
        over = min(over, busy + GPU_LAG_S)
    return max(stamp for stamp in (over, lines.last_trained, seen.last_read) if stamp is not None)


def _by_arrival(lines: Stretch, began: Interval, over: float, seen: Seen) -> Interval:
    low = 0.0
    if lines.last_trained is not None:
        low = lines.last_trained - began.high - lines.pauses
        if seen.last_read is not None:
            low = max(low, seen.last_read - began.high - lines.pauses - lines.open_pauses)
    return arrived(low, over - began.low)


def _strict(lines: Stretch, began: Interval, over: float, seen: Seen) -> Interval:
    least = max(stamp for stamp in (began.high, lines.last_trained, seen.last_read) if stamp is not None)
    if seen.ours and seen.reads.first is not None:
        start = min(seen.reads.first, began.high)
        return arrived(least - start, over - start)
    return arrived(least - began.high, over)


def _own_time(clock: LineClock, lines: Stretch, over: float, seen: Seen) -> Word | None:
    """By its own training time, to which comes what followed the last line that tells it."""
    span, own = lines.own.span(), lines.own
    if span is None or own.first is None or own.last is None:
        return None
    early = _read_before(clock, own.first[0] - own.first[1], over, seen)
    read = max(0.0, (seen.last_read or 0.0) - own.last[0])
    rest = max(0.0, over - own.last[0])
    return Word(span[0] + early + read, span[1] + early + rest, OWN_TIME)


def _marked(clock: LineClock, lines: Stretch, began: Interval, over: float, seen: Seen) -> Word | None:
    """By its announcements, or lines that say the same, of begin and end; one of both bounds one side."""
    start, end = clock.mark("train_start"), clock.mark("train_end")
    if start is None and end is None:
        return None
    begin = began if start is None else Interval(low=start, high=start)
    least, most = (lines.last_trained or begin.high, over) if end is None else (end, end)
    least, most = max(least, seen.last_read or 0.0), max(most, seen.last_read or 0.0)
    inside = [stamp for stamp in clock.announced if begin.low <= stamp[1] <= most]
    pauses = paused_seconds(inside)
    unseen = 0.0 if pauses else lines.pauses + (0.0 if end is None else lines.open_pauses)
    early = 0.0 if start is None else _read_before(clock, start, over, seen)
    by = ANNOUNCED if any(name in ("train_start", "train_end") for name, _ in clock.announced) else SAID
    return Word(least - begin.high - pauses - unseen + early, most - begin.low - pauses + early, by)


def _read_before(clock: LineClock, start: float, over: float, seen: Seen) -> float:
    """Seconds that count before the start that a script names, because it read shards for long by then.

    What it reads for a warm-up that it tells of does not count.
    """
    if not seen.ours:
        return 0.0
    announced = start if first(clock.announced, "warmup_start") is not None else 0.0
    begun, last = seen.reads.first_from(max(announced, clock.warm or 0.0)), seen.reads.last_until(start)
    loading = begun is None or last is None or last - begun <= max(BURST_S, BURST_SHARE * over)
    return 0.0 if loading or begun is None else start - begun


def scoring_time(clock: LineClock, seen: Seen, wall: float) -> ScriptClock:
    """Scoring in the training process, which comes after training and ends with the process.

    None where no score was seen, or not when training was over.
    """
    stopped = train_time(clock, seen).ended
    if clock.scored is None or stopped is None:
        return ScriptClock()
    low = 0.0 if seen.frozen is None else clock.scored - max(seen.frozen, stopped)
    return _scored(clock, arrived(low, wall - stopped), None)


def fresh_scoring_time(clock: LineClock, wall: float) -> ScriptClock:
    """Scoring in a process of its own: at most all of that process."""
    return _scored(clock, Interval(low=0.0, high=round(wall, 6)), exactly(wall))


def _scored(clock: LineClock, wide: Interval, strict: Interval | None) -> ScriptClock:
    found = ScriptClock(official=wide, strict=strict or wide)
    said: list[Stamp] = [stamp for stamp in clock.announced if stamp[0] in ("eval_start", "eval_end")]
    start, end = first(said, "eval_start"), first(said, "eval_end")
    odd = irregularity(said)
    if not odd and end is not None and clock.scored is not None and clock.scored > end + NEAR_S:
        odd = f"a score's line came {clock.scored - end:.1f} s after evaluation was said to be over"
    if odd:
        return replace(found, official=None, irregular=odd)
    return found if start is None or end is None else narrowed(found, Word(end - start, end - start, ANNOUNCED))


def arrived(low: float, high: float) -> Interval:
    """Between two arrivals, each of which may have been noticed late."""
    return interval(low - LATE_S, high + LATE_S)


def interval(low: float, high: float) -> Interval:
    """To the millisecond, and no less than nothing."""
    low = round(max(0.0, low), 3)
    return Interval(low=low, high=max(low, round(high, 3)))
