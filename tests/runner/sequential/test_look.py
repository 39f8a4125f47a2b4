"""Looks: what ends the matter, what is out of reach, and figures that belong to the design."""

from __future__ import annotations

import pytest
from scipy import stats

from runner.sequential.design import Design, design
from runner.sequential.look import look, stage_wise
from runner.statistics import welch

LOOKS = (3, 4, 5)
BASELINE = [1.001, 0.999, 1.0, 1.0015, 0.9985]


def five_at_most() -> Design:
    """Made once, by the first test that asks: a second's work that no collection of tests need wait for."""
    return design(LOOKS, 0.01, "obrien_fleming", 5)


def seen(scores: list[float], excess: float = 0.004, margin: float = 0.0):  # type: ignore[no-untyped-def]
    return look(five_at_most(), welch(BASELINE, scores, margin), scores, BASELINE, excess)


def test_a_clear_gain_holds_at_the_first_look() -> None:
    found = seen([0.97, 0.9705, 0.9695])
    assert (found.decision, found.seeds, found.conditional_power) == ("holds", 3, None)
    assert found.p < found.level == five_at_most().levels[0]


def test_no_gain_is_out_of_reach() -> None:
    found = seen([1.002, 1.0, 1.003])
    assert found.decision == "futile"
    assert found.conditional_power is not None
    assert found.conditional_power < 0.1


def test_a_gain_that_may_still_show_asks_for_more_seeds() -> None:
    found = seen([0.996, 0.9965, 0.998])
    assert found.decision == "go on"
    assert found.conditional_power is not None
    assert 0.1 <= found.conditional_power <= 1


def test_the_last_look_ends_it() -> None:
    found = seen([0.999, 0.9975, 0.998, 1.0, 0.9985])
    assert (found.decision, found.conditional_power) == ("not shown", None)


def test_between_looks_there_is_none() -> None:
    with pytest.raises(ValueError, match="no look at 2 seeds"):
        seen([0.97, 0.98])


def test_p_and_interval_of_the_first_look_are_the_tests_own() -> None:
    scores = [0.97, 0.9705, 0.9695]
    test = welch(BASELINE, scores, 0.001)
    found = stage_wise(five_at_most(), test, scores, BASELINE, 0.95)
    assert found.p == pytest.approx(test.p, rel=1e-6)
    assert (found.low, found.middle, found.high) == pytest.approx((test.low, test.gain, test.high), rel=1e-6)


def test_p_of_a_later_look_counts_the_earlier_ones_and_its_middle_lies_below_the_measured_gain() -> None:
    scores = [0.997, 0.9965, 0.998, 0.9972]
    test = welch(BASELINE, scores)
    found = stage_wise(five_at_most(), test, scores, BASELINE, 0.95)
    assert five_at_most().levels[0] < found.p < five_at_most().levels[0] + test.p
    assert stats.norm.isf(found.p) < stats.norm.isf(test.p)
    assert found.low < found.middle < test.gain < found.high
