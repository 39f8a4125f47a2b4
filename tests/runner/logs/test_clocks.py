"""The contest's clocks from stamped events."""

from __future__ import annotations

import pytest

from runner.logs.clocks import (
    Stamp,
    eval_clocks,
    exactly,
    first_times,
    irregularity,
    paused_in_training,
    paused_within,
    train_clocks,
    widened,
    with_earlier,
)
from runner.results.frozen import Interval


def test_training_counts_from_start_to_end() -> None:
    stamps = [("warmup_start", 3.0), ("train_start", 5.0), ("train_end", 65.5)]
    assert train_clocks(stamps) == (exactly(60.5), exactly(62.5))


def test_mid_run_validation_is_left_out_officially_and_counted_strictly() -> None:
    stamps = [
        ("train_start", 0.0),
        ("validation_start", 10.0),
        ("validation_end", 12.0),
        ("validation_start", 20.0),
        ("validation_end", 23.0),
        ("train_end", 30.0),
        ("validation_start", 31.0),
        ("validation_end", 40.0),
    ]
    assert train_clocks(stamps) == (exactly(25.0), exactly(30.0))


def test_a_pause_at_either_end_of_training_is_one_of_it() -> None:
    stamps = [("validation_start", 2.0), ("validation_end", 5.0), ("validation_start", 8.0), ("validation_end", 9.0)]
    assert paused_within(stamps, 2.0, 9.0) == 4.0
    assert paused_within(stamps, 2.0, 5.0) == 3.0


@pytest.mark.parametrize(
    ("stamps", "word"),
    [
        ([("train_start", 0.0), ("validation_start", 1.0), ("train_end", 9.0)], "never ended"),
        ([("train_start", 0.0), ("validation_end", 1.0), ("train_end", 9.0)], "never ended"),
        ([("train_start", 0.0), ("train_end", 0.1), ("train_end", 9.0)], "train_end was announced 2 times"),
        ([("train_end", 0.0), ("train_start", 1.0)], "out of order"),
    ],
)
def test_events_that_make_no_sense_leave_the_clock_unknown(stamps: list[Stamp], word: str) -> None:
    assert word in irregularity(stamps)
    assert train_clocks(stamps) == (None, None)


def test_what_was_never_seen_is_none() -> None:
    assert train_clocks([("train_start", 1.0)]) == (None, None)
    assert train_clocks([("train_end", 1.0)]) == (None, None)


def test_evaluation_is_the_announced_span_and_strictly_the_whole_process() -> None:
    assert eval_clocks([("eval_start", 4.0), ("eval_end", 9.0)], 11.0) == (exactly(5.0), exactly(11.0))
    unseen: list[list[Stamp]] = [[], [("eval_start", 4.0)], [("eval_end", 9.0)]]
    unseen.append([("eval_end", 4.0), ("eval_start", 9.0)])
    assert [eval_clocks(stamps, 11.0) for stamps in unseen] == [(None, exactly(11.0))] * 4


def test_first_times_keeps_the_first_of_each_event() -> None:
    assert first_times([("a", 1.0), ("b", 2.0), ("a", 3.0)]) == {"a": 1.0, "b": 2.0}


def test_a_clock_whose_stamps_may_be_late_is_an_interval() -> None:
    assert widened(Interval(low=10.0, high=10.5), 2.0) == Interval(low=8.0, high=12.5)
    assert widened(Interval(low=1.0, high=1.0), 2.0) == Interval(low=0.0, high=3.0)
    assert widened(Interval(low=1.0, high=1.0), 0.0) == Interval(low=1.0, high=1.0)
    assert widened(None, 2.0) is None


def test_earlier_lives_count_into_a_clock_and_make_none_of_an_unknown_one() -> None:
    lives = [Interval(low=1.25, high=2.5), Interval(low=0.5, high=0.75)]
    assert with_earlier(Interval(low=10.0, high=11.0), lives) == Interval(low=11.75, high=14.25)
    assert with_earlier(Interval(low=10.0, high=11.0), []) == Interval(low=10.0, high=11.0)
    assert with_earlier(None, lives) is None


def test_what_the_official_clock_leaves_out_is_told() -> None:
    stamps = [("train_start", 1.0), ("validation_start", 2.0), ("validation_end", 2.5), ("train_end", 4.0)]
    assert paused_in_training(stamps) == 0.5
    assert train_clocks(stamps)[0] == exactly(2.5)
    assert (
        paused_in_training(
            [("train_start", 0.0), ("validation_start", 0.25), ("validation_end", 0.75), ("train_end", 4.0)]
        )
        == 0.5
    )
    assert paused_in_training(stamps[:3]) is None
    assert paused_in_training([*stamps, ("train_end", 5.0)]) is None
