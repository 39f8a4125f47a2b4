"""What lines tell of phases, before any interval is made of it."""

from __future__ import annotations

import pytest

from runner.job.external_script import OutputsSpec
from runner.logs.line_clock import LATE_S, LineClock
from runner.node.sightings import line_patterns
from runner.results.frozen import Interval


def clock(**outputs: str) -> LineClock:
    return LineClock(line_patterns(OutputsSpec(**outputs)))  # type: ignore[arg-type]


def test_training_begins_after_the_line_before_the_first_steps_or_with_a_first_validation() -> None:
    told = clock()
    told.feed(1.0, "loading")
    told.feed(3.0, "step:1/9 train_loss:2.0")
    told.feed(4.0, "step:2/9 train_loss:2.0")
    assert told.now.began == Interval(low=1.0, high=3.0)
    told = clock()
    told.feed(1.0, "loading")
    told.feed(3.0, "step:0/9 val_loss:2.0")
    assert told.now.began is None
    told.feed(4.0, "step:1/9 train_loss:2.0")
    assert told.now.began == Interval(low=3.0, high=4.0)


def test_only_validations_between_two_steps_are_pauses() -> None:
    told = clock()
    for seconds, line in ((1.0, "val"), (2.0, "train"), (3.0, "train"), (5.0, "val"), (6.0, "val"), (10.0, "train")):
        told.feed(seconds, f"step:1/9 {line}_loss:2.0")
    assert (told.now.pauses, told.now.open_pauses) == pytest.approx((3.0 + 2 * LATE_S, 0.0))
    told.feed(12.0, "step:1/9 val_loss:2.0")
    assert (told.now.pauses, told.now.open_pauses) == pytest.approx((3.0 + 2 * LATE_S, 2.0 + LATE_S))


def test_a_stop_line_before_any_step_says_nothing_and_of_several_the_first_counts() -> None:
    told = clock()
    told.feed(1.0, "peak memory allocated: 1 MiB")
    assert told.now.stopped is None
    for seconds, line in (
        (2.0, "step:1/9 train_loss:2"),
        (3.0, "stopping_early: x"),
        (4.0, "peak memory allocated:"),
    ):
        told.feed(seconds, line)
    assert told.now.stopped == 3.0


def test_a_warm_up_line_counts_before_the_first_step_only() -> None:
    told = clock()
    for seconds, line in ((1.0, "warmup_step:1/2"), (2.0, "warmup_step:2/2"), (3.0, "step:1/9 train_loss:2")):
        told.feed(seconds, line)
    told.feed(4.0, "warmup_step:1/2")
    assert told.warm == 2.0


@pytest.mark.parametrize(
    ("pattern", "line", "seconds"),
    [
        (r"t=(?P<s>\S+)", "t=2.5", 2.5),
        (r"t=(?P<ms>\S+)ms", "t=2500ms", 2.5),
        (r"(t=(?P<s>\d+)s|m=(?P<ms>\d+))", "m=2500", 2.5),
        (r"(t=(?P<s>\d+)s|m=(?P<ms>\d+))", "t=2s", 2.0),
        (r"t=(?P<s>\S+)", "t=soon", None),
        (r"t=(?P<s>\S+)", "t is 2", None),
        (r"t(=(?P<s>\d+))?", "t", None),
        ("", "t=2", None),
    ],
)
def test_a_line_may_tell_the_scripts_own_time(pattern: str, line: str, seconds: float | None) -> None:
    assert clock(train_time=pattern).patterns.claim(line) == seconds


def test_a_files_time_is_known_while_nobody_sets_the_clock() -> None:
    told = clock()
    assert told.since_start(1005.5) is None
    told.epoch = 1000.0
    assert told.since_start(1005.5) == 5.5


def test_an_announcement_counts_before_a_line_that_says_the_same() -> None:
    told = clock(train_start="^go")
    told.feed(2.0, "go")
    assert told.mark("train_start") == 2.0
    told.announce("train_start", 1.5)
    assert (told.mark("train_start"), told.mark("train_end")) == (1.5, None)


@pytest.mark.parametrize(
    ("stamps", "line", "odd"),
    [
        ((("validation_start", 1.0),), 1.5, False),
        ((("validation_start", 1.0),), 1.501, True),
        ((("validation_start", 1.0), ("validation_end", 5.0)), 5.0, False),
        ((("validation_start", 1.0), ("validation_end", 5.0)), 4.9, True),
        ((("validation_start", 1.0), ("train_end", 2.0)), 3.0, True),
        ((("validation_start", 3.0),), 3.0, False),
        ((("validation_end", 1.0),), 3.0, False),
        ((), 3.0, False),
    ],
)
def test_a_training_steps_line_half_a_second_into_an_announced_validation_contradicts_it(
    stamps: tuple[tuple[str, float], ...], line: float, odd: bool
) -> None:
    told = clock()
    for name, seconds in stamps:
        told.announce(name, seconds)
    told.feed(line, "step:1/9 train_loss:2.0")
    told.feed(line + 0.001, "step:2/9 val_loss:2.0")
    assert told.odd == ("a training step's line came while a validation was announced" if odd else "")


@pytest.mark.parametrize(
    ("stamp", "pauses"), [(1.0, 0.0), (2.0, 0.0), (2.001, 3.0 + LATE_S), (5.0, 3.0 + LATE_S), (5.001, 0.0)]
)
@pytest.mark.parametrize("name", ["validation_start", "validation_end"])
def test_a_validation_that_was_announced_between_two_steps_is_a_pause(name: str, stamp: float, pauses: float) -> None:
    told = clock()
    told.announce(name, stamp)
    for seconds in (2.0, 5.0):
        told.feed(seconds, "step:1/9 train_loss:2.0")
    assert told.now.pauses == pytest.approx(pauses)
    assert LATE_S == 0.05
