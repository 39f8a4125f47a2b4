"""The clocks of somebody else's script: a table of lines with times, and the exact intervals that follow from them.

Times are whole or quarters of seconds, which floats hold exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.job.external_script import OutputsSpec
from runner.logs.line_clock import LATE_S, MOST_TURNS, LineClock
from runner.logs.script_clocks import (
    WORD_S,
    WORD_SHARE,
    ScriptClock,
    Seen,
    _read_before,
    fresh_scoring_time,
    scoring_time,
    train_time,
)
from runner.logs.spans import Spans
from runner.node.sightings import line_patterns
from runner.results.frozen import Interval
from runner.results.phases import Compared

OFFICIALLY: dict[str, str] = {}
TIMELESS = {"train_time": ""}
"""Patterns: those of the official dialect, and the same without the script's own time."""

Row = tuple[float, str]
Pair = tuple[float, float]


def step(number: int, claim: float | None, *, validation: bool = False) -> str:
    """A line of the official dialect; claim: the training time that it tells, seconds."""
    told = "val_loss:2.0 val_bpb:1.0" if validation else "train_loss:2.0"
    return f"step:{number}/100 {told}" + (
        "" if claim is None else f" train_time:{claim * 1000:.0f}ms step_avg:1.00ms"
    )


def validation(number: int, claim: float | None) -> str:
    return step(number, claim, validation=True)


def stopping(claim: float) -> str:
    return f"stopping_early: wallclock_cap train_time:{claim * 1000:.0f}ms step:20/100"


SCORED = "final_int8_zlib_roundtrip_exact val_loss:2.00000000 val_bpb:1.00000000"
OFFICIAL: tuple[Row, ...] = (
    (0.5, "model_params:1000"),
    (2.0, "warmup_step:1/2"),
    (3.0, "warmup_step:2/2"),
    (4.0, validation(0, 0)),
    (5.0, step(1, 1)),
    (6.0, step(2, 2)),
    (12.0, step(10, 8)),
    (17.0, validation(12, 11)),  # trains until 15
    (21.0, step(16, 15)),
    (27.0, validation(20, 19)),  # trains until 25
    (27.0, stopping(19)),
    (27.5, "peak memory allocated: 1 MiB reserved: 1 MiB"),
    (34.0, "Serialized model int8+zlib: 10 bytes (payload:1 raw_torch:1 payload_ratio:1.00x)"),
    (40.0, SCORED),
)
"""19 s of training, a mid-run validation of 2 s, and the line that says it stopped 2 s after it did."""
LOADERS = ((1.0, 1.25), (3.25, 3.5))
"""A shard is read before the warm-up, and again before the clock starts."""


def without(*texts: str) -> tuple[Row, ...]:
    return tuple(row for row in OFFICIAL if not any(text in row[1] for text in texts))


def changed(old: str, new: str) -> tuple[Row, ...]:
    return tuple((seconds, line.replace(old, new)) for seconds, line in OFFICIAL)


def spans(*pairs: Pair) -> Spans:
    found = Spans()
    for begin, end in pairs:
        found.add(begin, end)
    return found


def clock_of(
    *rows: Row, announced: Sequence[tuple[str, float]] = (), outputs: Mapping[str, str] = OFFICIALLY
) -> LineClock:
    """Lines and announcements in the order of their times."""
    clock = LineClock(line_patterns(OutputsSpec.model_validate(outputs)))
    both = [(seconds, 0, name) for name, seconds in announced] + [(seconds, 1, line) for seconds, line in rows]
    for seconds, kind, text in sorted(both, key=lambda one: one[:2]):
        if kind:
            clock.feed(seconds, text)
        else:
            clock.announce(text, seconds)
    return clock


def seen(*reads: Pair, ours: bool = True, frozen: float | None = 33.0, gpu: Spans | None = None) -> Seen:
    return Seen(spans(*reads), ours, frozen, gpu)


def pair(interval: Interval | None) -> Pair | None:
    return None if interval is None else (interval.low, interval.high)


Expected = tuple[Pair | None, Pair | None, Pair | None]
"""Official, by arrival alone where that is wider, strict."""


def intervals(found: ScriptClock) -> Expected:
    return pair(found.official), pair(found.arrival), pair(found.strict)


NOT_READ = seen(ours=False)
READ = seen(*LOADERS)
TABLE: dict[str, tuple[tuple[Row, ...], Seen, Expected]] = {
    "official, nobody saw reads": (OFFICIAL, NOT_READ, ((18.95, 19.05), (10.9, 23.05), (15.95, 27.05))),
    "official, reads seen": (OFFICIAL, READ, ((18.95, 19.05), (10.9, 26.05), (19.95, 26.05))),
    "official, reads that may be others'": (
        OFFICIAL,
        replace(READ, ours=False),
        ((18.95, 19.05), (10.9, 26.05), (15.95, 27.05)),
    ),
    "the artifact is not dated": (
        OFFICIAL,
        replace(READ, frozen=None),
        ((18.95, 19.05), (10.9, 26.05), (19.95, 26.05)),
    ),
    "the first line is a step's": (
        without(validation(0, 0)),
        READ,
        ((18.95, 19.05), (10.9, 26.05), (19.95, 26.05)),
    ),
    "the first line is a step's, nobody saw reads": (
        without(validation(0, 0)),
        NOT_READ,
        ((18.95, 19.05), (10.9, 24.05), (15.95, 27.05)),
    ),
    "its lines tell no time": (
        tuple((seconds, re.sub(r" train_time.*", "", line)) for seconds, line in OFFICIAL),
        NOT_READ,
        ((10.9, 23.05), None, (15.95, 27.05)),
    ),
    "only its steps tell a time": (
        tuple((at, line if "train_loss" in line else re.sub(r" train_time.*", "", line)) for at, line in OFFICIAL),
        NOT_READ,
        ((14.95, 21.05), (10.9, 23.05), (15.95, 27.05)),
    ),
    "no validation in between": (
        without(validation(12, 11)),
        NOT_READ,
        # 19 by its own word; 9 s lie between two lines that say 7
        ((15.95, 23.05), None, (15.95, 27.05)),
    ),
    "two validations in a row": (
        (*OFFICIAL[:8], (19.0, validation(12, 11)), (23.0, step(16, 15)), *OFFICIAL[9:]),
        NOT_READ,
        ((18.95, 19.05), (10.85, 23.05), (17.95, 27.05)),
    ),
    "a validation after the stop line": (
        (*OFFICIAL[:11], (29.0, validation(20, 19)), *OFFICIAL[11:]),
        NOT_READ,
        ((18.95, 19.05), (10.9, 23.05), (15.95, 27.05)),
    ),
    "reads for long before its clock starts": (
        without("warmup"),
        seen((1.0, 3.75)),
        ((21.95, 22.05), (10.9, 26.05), (19.95, 26.05)),
    ),
    "reads for two seconds before its clock starts": (
        without("warmup"),
        seen((1.0, 3.0)),
        ((18.95, 19.05), (10.9, 26.05), (19.95, 26.05)),
    ),
    "reads for long before, as others may": (
        without("warmup"),
        seen((1.0, 3.75), ours=False),
        ((18.95, 19.05), (10.9, 26.05), (15.95, 27.05)),
    ),
    "reads for long, but for its warm-up": (
        OFFICIAL,
        seen((0.75, 3.75)),
        ((18.95, 19.05), (10.9, 26.3), (20.2, 26.3)),
    ),
    "reads a shard after the stop line": (
        OFFICIAL,
        seen(*LOADERS, (30.0, 30.0)),
        ((21.95, 22.05), (13.85, 29.05), (28.95, 29.05)),
    ),
    "others read after the stop line": (
        OFFICIAL,
        seen(*LOADERS, (30.0, 30.0), ours=False),
        ((18.95, 19.05), (10.9, 26.05), (15.95, 27.05)),
    ),
    "a shard is read after the last step's line": (
        OFFICIAL,
        seen(*LOADERS, (24.0, 24.0)),
        ((18.95, 19.05), (10.9, 26.05), (22.95, 26.05)),
    ),
    "no stop line, the artifact bounds": (
        without("stopping", "peak", "Serialized"),
        NOT_READ,
        ((18.95, 25.05), (10.9, 29.05), (15.95, 33.05)),
    ),
    "no stop line, no artifact": (
        without("stopping", "peak", "Serialized"),
        replace(NOT_READ, frozen=None),
        (None, None, None),
    ),
    "the stop line comes after the artifact": (
        without("stopping", "peak"),
        NOT_READ,
        ((18.95, 25.05), (10.9, 29.05), (15.95, 33.05)),
    ),
    "steps go on after the stop line": (
        (*OFFICIAL[:12], (28.0, step(21, 20)), (31.0, step(24, 23)), (32.0, stopping(24)), *OFFICIAL[12:]),
        NOT_READ,
        # the validation that came before is one in between now
        ((23.95, 24.05), (14.85, 28.05), (25.95, 32.05)),
    ),
    "steps after the artifact": (
        (*OFFICIAL, (41.0, step(21, 20)), (48.0, step(30, 27)), (49.0, stopping(27))),
        NOT_READ,
        ((18.95, 19.05), (10.9, 23.05), (15.95, 27.05)),
    ),
    "steps after the stop line, an artifact of no known time": (
        (*OFFICIAL, (41.0, step(21, 33)), (48.0, step(30, 40)), (49.0, stopping(40))),
        replace(NOT_READ, frozen=None),
        ((39.95, 40.05), (31.85, 45.05), (42.95, 49.05)),
    ),
    "the artifact is older than the last steps": (
        OFFICIAL[:9],
        replace(NOT_READ, frozen=20.0),
        ((14.95, 15.05), (10.9, 17.05), (15.95, 21.05)),
    ),
    "trains in what it calls a warm-up": (
        (
            (1.0, "warmup_step:1/2"),
            (9.0, "warmup_step:2/2"),
            (9.25, step(1, 0.25)),
            (10.0, step(2, 1)),
            (10.0, stopping(1)),
        ),
        seen((0.5, 9.0)),
        ((0.7, 9.55), None, (9.45, 9.55)),
    ),
    "trains in what it calls a validation": (
        (
            (1.0, step(1, 0.25)),
            (1.75, step(2, 1)),
            (9.0, validation(2, 1)),
            (9.25, step(3, 1.25)),
            (9.5, stopping(1.5)),
        ),
        NOT_READ,
        ((0.9, 9.55), None, (8.2, 9.55)),
    ),
    "one step": (
        (*OFFICIAL[:5], (7.0, stopping(2.5))),
        NOT_READ,
        ((2.45, 2.55), (0.0, 3.05), (0.0, 7.05)),
    ),
    "no step": (without("train_loss"), READ, (None, None, None)),
    "nothing": ((), READ, (None, None, None)),
}


@pytest.mark.parametrize(
    ("reads", "over", "before"),
    [
        ((0.25, 2.25), 20.0, 0.0),  # two seconds of loading, from the process's first second on
        ((0.25, 2.5), 20.0, 3.75),
        ((0.25, 2.5), 225.0, 0.0),  # a hundredth of all its time
        ((0.25, 2.5), 224.0, 3.75),
    ],
)
def test_reading_for_long_before_a_clock_counts_from_its_first_read(reads: Pair, over: float, before: float) -> None:
    assert _read_before(clock_of(), 4.0, over, seen(reads)) == before
    assert _read_before(clock_of(), 4.0, over, seen(reads, ours=False)) == 0.0


@pytest.mark.parametrize("name", TABLE)
def test_lines_with_times_give_these_intervals(name: str) -> None:
    rows, sights, expected = TABLE[name]
    assert intervals(train_time(clock_of(*rows), sights)) == expected


def test_a_clock_without_a_step_or_an_end_says_what_to_print() -> None:
    assert train_time(clock_of(*without("train_loss")), READ).irregular == (
        "no line of a training step was seen: print some, or name them in outputs.step and outputs.trained, or let "
        "the script announce its phases (outputs.announce)"
    )
    endless = train_time(clock_of(announced=(("train_start", 2.0),)), seen(frozen=9.5))
    assert (
        endless.irregular
        == "nothing tells when training ended: no line of outputs.stop, no announcement, no artifact"
    )


def test_what_narrows_an_interval_is_told_and_what_was_compared() -> None:
    found = train_time(clock_of(*OFFICIAL), READ)
    assert (found.narrowed_by, found.doubt, found.irregular) == ("its own training time", "", "")
    assert (found.ended, found.own) == (27.0, 19.0)
    assert found.compared == Compared(arrived=12.0, claimed=12.0)


@pytest.mark.parametrize(
    ("rows", "doubt"),
    [
        (changed("train_time:15000", "train_time:16500"), "is not possible by when its lines came"),
        (changed("train_time:8000", "train_time:9000"), "its own training time is not possible"),
        (changed("train_time:8000", "train_time:7000"), "its own training time is 1.0 s off over 12.0 s"),
        (without(validation(12, 11)), "its own training time is 2.0 s off over 17.0 s"),
    ],
)
def test_a_time_that_cannot_be_narrows_nothing(rows: tuple[Row, ...], doubt: str) -> None:
    found = train_time(clock_of(*rows), NOT_READ)
    assert found.official is not None
    assert found.official.high == 23.05
    assert doubt in found.doubt
    assert (found.arrival, found.narrowed_by) == (None, "")


@pytest.mark.parametrize(
    ("rows", "official"),
    [
        (((10.0, "x"), (20.0, step(1, 15)), (21.0, step(2, 16)), (22.0, stopping(17))), (0.95, 12.05)),
        (((1.0, "x"), (2.0, step(1, 1)), (12.0, step(9, None)), (12.5, validation(9, 2))), (9.95, 12.05)),
    ],
    ids=["too much", "too little"],
)
def test_a_time_outside_of_what_arrived_narrows_nothing(rows: tuple[Row, ...], official: Pair) -> None:
    found = train_time(clock_of(*rows), replace(NOT_READ, frozen=rows[-1][0] + 0.5))
    assert found.doubt == "its own training time is not within what arrived"
    assert pair(found.official) == official


WORD = (
    (1.0, "begin"),
    (2.0, step(1, 1)),
    (3.0, step(2, 2)),
)


@pytest.mark.parametrize(
    ("ends", "narrowed"),
    # Of an interval up to 9 s three seconds may be taken off, of a longer one a third.
    [(7.0, True), (7.25, False), (19.0, False)],
)
def test_three_seconds_may_be_taken_on_its_word(ends: float, narrowed: bool) -> None:
    rows = (*WORD, (ends, validation(3, 3)), (ends, stopping(3)))
    found = train_time(clock_of(*rows), replace(NOT_READ, frozen=None))
    official = (2.95, 3.05) if narrowed else (0.95, ends - 0.95)
    assert pair(found.official) == official
    assert (found.doubt == "") == narrowed


@pytest.mark.parametrize(("ends", "narrowed"), [(31.0, True), (31.25, False)])
def test_a_third_of_a_long_time_may_be_taken_on_its_word(ends: float, narrowed: bool) -> None:
    rows = (*WORD, (21.0, step(20, 20)), (ends, validation(20, 20)), (ends, stopping(20)))
    found = train_time(clock_of(*rows), replace(NOT_READ, frozen=None))
    assert (found.narrowed_by == "its own training time") == narrowed
    if not narrowed:
        assert found.doubt == "its own training time takes off 10.2 s, too much to go by it alone"


def test_a_gpu_that_did_nothing_did_not_train() -> None:
    busy = seen((1.0, 1.25), gpu=spans((2.5, 25.0)))
    rows = without("warmup", validation(0, 0))
    found = train_time(clock_of(*rows, outputs=TIMELESS), busy)
    # begins when it is first busy less what the driver lags, ends that much after it was last busy
    assert intervals(found) == ((10.9, 24.55), None, (19.95, 25.05))
    idle = train_time(clock_of(*rows, outputs=TIMELESS), replace(busy, gpu=Spans()))
    assert intervals(idle) == ((10.9, 26.55), None, (19.95, 26.05))


ANNOUNCED = (
    ("warmup_start", 1.0),
    ("train_start", 4.0),
    ("validation_start", 15.0),
    ("validation_end", 17.0),
    ("train_end", 25.0),
)


def test_announcements_are_stamped_as_ours_are() -> None:
    found = train_time(clock_of(*OFFICIAL, announced=ANNOUNCED, outputs=TIMELESS), READ)
    assert intervals(found) == ((18.95, 19.05), (10.9, 26.05), (19.95, 26.05))
    assert (found.narrowed_by, found.ended, found.irregular) == ("what it announced", 25.0, "")


def test_a_validation_that_only_was_announced_may_have_taken_the_time_between_two_lines() -> None:
    rows = without(validation(12, 11), validation(0, 0))
    found = train_time(clock_of(*rows, announced=ANNOUNCED), READ)
    # from 5 to 6, from 6 to 12 it trained; from 12 to 21 it may have validated, as its own time says it did
    assert intervals(found) == ((18.95, 19.05), (6.9, 26.05), (19.95, 26.05))
    assert found.compared == Compared(arrived=7.0, claimed=7.0)
    assert train_time(clock_of(*rows, outputs=TIMELESS), READ).official == Interval(low=15.95, high=26.05)


def test_announcements_and_lines_that_tell_a_time_agree_or_narrow_nothing() -> None:
    assert train_time(clock_of(*OFFICIAL, announced=ANNOUNCED), READ).doubt == ""
    short = tuple((name, 20.0 if name == "validation_end" else at) for name, at in ANNOUNCED)
    found = train_time(clock_of(*OFFICIAL, announced=short), READ)
    assert "contradict each other" in found.doubt
    assert pair(found.official) == (6.85, 26.05)


def test_of_two_words_of_its_own_the_one_that_says_more_counts() -> None:
    # By this end it trained for 15 to 24 s; its lines say how long exactly.
    found = train_time(clock_of(*OFFICIAL, announced=[("train_end", 25.0)]), READ)
    assert (pair(found.official), found.narrowed_by) == ((18.95, 19.05), "its own training time")


def test_a_script_whose_lines_say_nothing_has_a_clock_by_what_it_announces() -> None:
    quiet = (("train_start", 2.0), ("train_end", 9.0))
    found = train_time(clock_of(announced=quiet), seen((1.75, 2.0), (8.0, 8.5), frozen=9.5))
    assert intervals(found) == ((6.95, 7.05), (0.0, 7.3), (6.7, 7.3))
    assert train_time(clock_of(announced=quiet[:1]), seen(frozen=9.5)).official is None


def test_reads_before_the_announced_start_count_unless_a_warm_up_was_announced() -> None:
    sights = seen((1.0, 3.75))
    plain = (("train_start", 4.0), *ANNOUNCED[2:])
    rows = without("warmup")
    assert pair(train_time(clock_of(*rows, announced=plain, outputs=TIMELESS), sights).official) == (21.95, 22.05)
    assert pair(train_time(clock_of(*rows, announced=ANNOUNCED, outputs=TIMELESS), sights).official) == (18.95, 19.05)


def announced(**changes: float) -> tuple[tuple[str, float], ...]:
    return tuple((name, changes.get(name, at)) for name, at in ANNOUNCED)


@pytest.mark.parametrize(
    ("stamps", "sights", "why"),
    [
        (announced(train_end=20.5), READ, ""),
        (announced(train_end=20.25), READ, "a training step's line came 0.8 s after training was said to be over"),
        (announced(train_start=5.5), READ, ""),
        (announced(train_start=5.75), READ, "a training step's line came 0.8 s before training was said to begin"),
        (ANNOUNCED, seen(*LOADERS, (25.5, 25.5)), ""),
        (
            ANNOUNCED,
            seen(*LOADERS, (25.75, 25.75)),
            "a training shard was read 0.8 s after training was said to be over",
        ),
        (ANNOUNCED, seen(*LOADERS, (25.75, 25.75), ours=False), ""),
        (announced(validation_start=11.5), READ, ""),
        (announced(validation_start=11.25), READ, "a training step's line came while a validation was announced"),
        (ANNOUNCED[:3], READ, "a mid-run validation began twice or never ended"),
        ((*ANNOUNCED, ("train_end", 26.0)), READ, "train_end was announced 2 times"),
        (announced(train_start=30.0), READ, "events out of order"),
    ],
)
def test_announcements_that_lines_or_reads_contradict_leave_the_clock_unknown(
    stamps: tuple[tuple[str, float], ...], sights: Seen, why: str
) -> None:
    found = train_time(
        clock_of(*OFFICIAL, announced=tuple(sorted(stamps, key=lambda one: one[1])), outputs=TIMELESS), sights
    )
    assert found.irregular.startswith(why)
    assert bool(found.irregular) == bool(why)
    assert (found.official is None) == bool(why)
    assert found.strict is not None


def test_lines_that_say_start_and_end_are_a_clock_of_any_dialect() -> None:
    rows = (
        (1.0, "loading"),
        (3.0, "### training begins"),
        (4.0, "it 1 | loss 2.5"),
        (9.0, "it 6 | loss 2.4"),
        (10.0, "### training ends"),
        (12.0, "val | loss 2.3"),
    )
    dialect = {"step": r"^it \d+ ", "trained": "", "stop": "", "train_time": ""}
    marks = {"train_start": "^### training begins", "train_end": "^### training ends"}
    found = train_time(clock_of(*rows, outputs={**dialect, **marks}), replace(NOT_READ, frozen=11.0))
    assert intervals(found) == ((6.95, 7.05), (4.95, 7.05), (4.95, 10.05))
    assert (found.narrowed_by, found.ended) == ("its lines of start and end", 10.0)
    bare = train_time(clock_of(*rows, outputs=dialect), replace(NOT_READ, frozen=11.0))
    assert intervals(bare) == ((4.95, 8.05), None, (4.95, 11.05))
    half = train_time(
        clock_of(*rows, outputs={**dialect, "train_end": marks["train_end"]}), replace(NOT_READ, frozen=11.0)
    )
    assert intervals(half) == ((5.95, 7.05), (4.95, 7.05), (4.95, 10.05))
    twice = train_time(
        clock_of(*rows, (10.5, rows[4][1]), outputs={**dialect, **marks}), replace(NOT_READ, frozen=11.0)
    )
    assert twice.irregular == "train_end was announced 2 times"


def test_a_dialect_may_tell_its_time_in_seconds() -> None:
    rows = ((1.0, "it 1 t=0.5"), (5.0, "it 9 t=4.5"), (6.0, "done t=5.5"))
    found = train_time(
        clock_of(
            *rows,
            outputs={"step": r"^it \d+ ", "trained": "", "stop": "^done", "train_time": r"t=(?P<s>[\d.]+)"},
        ),
        replace(NOT_READ, frozen=None),
    )
    assert intervals(found) == ((5.45, 5.55), (3.95, 6.05), (3.95, 6.05))


@pytest.mark.parametrize(
    ("frozen", "expected"),
    [(33.0, (6.95, 14.05)), (None, (0.0, 14.05)), (20.0, (12.95, 14.05)), (41.0, (0.0, 14.05))],
)
def test_scoring_in_the_training_process_comes_after_training_and_the_artifact(
    frozen: float | None, expected: Pair
) -> None:
    found = scoring_time(clock_of(*OFFICIAL), replace(READ, frozen=frozen), 41.0)
    assert pair(found.official) == pair(found.strict) == expected


def test_without_a_score_or_an_end_of_training_nothing_is_known_of_scoring() -> None:
    assert scoring_time(clock_of(*without("final")), READ, 41.0) == ScriptClock()
    assert scoring_time(clock_of((40.0, SCORED)), READ, 41.0) == ScriptClock()


def test_scoring_in_a_fresh_process_is_at_most_all_of_it() -> None:
    found = fresh_scoring_time(clock_of((6.0, SCORED)), 8.25)
    assert intervals(found) == ((0.0, 8.25), None, (8.25, 8.25))


@pytest.mark.parametrize(
    ("start", "end", "official", "why"),
    [
        (1.0, 7.0, (5.95, 6.05), ""),
        (1.0, 5.5, (4.45, 4.55), "too much"),
        (1.0, 5.25, None, "a score's line came 0.8 s after evaluation was said to be over"),
        (7.0, 1.0, None, "events out of order"),
    ],
)
def test_scoring_that_is_announced_is_held_against_the_scores_line(
    start: float, end: float, official: Pair | None, why: str
) -> None:
    stamps = tuple(sorted([("eval_start", start), ("eval_end", end)], key=lambda one: one[1]))
    found = fresh_scoring_time(clock_of((6.0, SCORED), announced=stamps), 8.25)
    if why == "too much":
        assert (pair(found.official), "takes off 3.7 s" in found.doubt) == ((0.0, 8.25), True)
    else:
        assert pair(found.official) == official
        assert found.irregular.startswith(why)


@st.composite
def honest_run(draw: st.DrawFn) -> tuple[list[Row], Seen, float, float]:
    """A run in the official dialect: lines as they arrive, what was seen, the truth, and that with all validations.

    Whatever happens is noticed up to LATE_S later.
    """
    rows: list[Row] = []
    reads: list[Pair] = []
    now = draw(st.floats(0.1, 3))
    lasts = st.floats(0.01, 1.5)

    def late() -> float:
        return now + draw(st.floats(0, LATE_S))

    def say(line: str) -> None:
        rows.append((max(late(), rows[-1][0] if rows else 0.0), line))

    def read() -> None:
        reads.append((max(late(), reads[-1][1] if reads else 0.0),) * 2)

    say("model_params:1000")
    read()
    for number in range(draw(st.integers(0, 3))):
        now += draw(lasts)
        say(f"warmup_step:{number}/3")
    now += draw(st.floats(0, 0.5))
    read()
    begun, truth = now, 0.0
    every, log_every = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    count = draw(st.integers(1, 12))
    for number in range(count + 1):
        if number == count or (every and number % every == 0):
            now += draw(lasts)
            say(validation(number, truth))
        if number < count:
            spent = draw(lasts)
            now, truth = now + spent, truth + spent
            if draw(st.booleans()):
                read()
            if number < 3 or number % log_every == 0:
                say(step(number + 1, truth))
    say(stopping(truth))
    ended = now
    now += draw(lasts)
    return rows, Seen(spans(*reads), draw(st.booleans()), now), truth, ended - begun


@given(honest_run())
def test_the_truth_lies_inside_whatever_an_honest_script_does(run: tuple[list[Row], Seen, float, float]) -> None:
    rows, sights, truth, with_validations = run
    for outputs in (OFFICIALLY, TIMELESS):
        found = train_time(clock_of(*rows, outputs=outputs), sights)
        assert found.official is not None
        wide = found.arrival or found.official
        # Milliseconds are rounded, in the lines and in the intervals.
        assert found.official.low - 0.002 <= truth <= found.official.high + 0.002
        assert wide.low <= found.official.low <= found.official.high <= wide.high
        assert wide.low - 0.002 <= truth <= with_validations <= wide.high + 0.002


@given(honest_run(), st.lists(st.floats(-5, 50), min_size=60, max_size=60))
def test_whatever_its_lines_say_of_time_stays_within_what_arrived(
    run: tuple[list[Row], Seen, float, float], said: list[float]
) -> None:
    rows, sights, truth, with_validations = run
    lies = [
        (at, re.sub(r"train_time:\d+", f"train_time:{1000 * claim:.0f}", line))
        for (at, line), claim in zip(rows, said, strict=False)
    ]
    honest, lying = (train_time(clock_of(*told), sights) for told in (rows, [*lies, *rows[len(lies) :]]))
    assert honest.official is not None
    assert lying.official is not None
    wide = lying.arrival or lying.official
    assert wide == (honest.arrival or honest.official)
    assert wide.low - 0.002 <= truth <= with_validations <= wide.high + 0.002
    assert wide.high - lying.official.high <= max(WORD_S, WORD_SHARE * wide.high)


def test_memory_does_not_grow_with_what_a_script_says() -> None:
    clock = clock_of(outputs={"train_start": "begin"})
    for number in range(10_000):
        clock.feed(number, step(number, number))
        clock.feed(number, stopping(number))
        clock.feed(number, "begin")
    assert len(clock.turns) == len(clock.told) == MOST_TURNS


def test_a_training_that_is_over_within_the_first_second_is_as_long_as_it_says() -> None:
    short = (("train_start", 0.25), ("train_end", 0.75))
    found = train_time(clock_of(announced=short), seen(frozen=0.8))
    assert intervals(found) == ((0.45, 0.55), (0.0, 0.55), (0.0, 0.8))
