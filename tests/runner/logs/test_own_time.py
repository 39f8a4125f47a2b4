"""A script's own clock against arrivals, to exact values: quarters of a second, which floats hold exactly."""

from __future__ import annotations

import math

import pytest

from runner.logs.own_time import OwnTime

TRAINED, OTHER = False, True
"""Whether there was a validation since the line before."""


def told(*lines: tuple[float, float | None, bool]) -> OwnTime:
    own = OwnTime()
    for arrival, claim, paused in lines:
        own.take(arrival, claim, paused=paused)
    return own


def test_between_training_steps_both_clocks_are_compared_and_validations_are_left_out() -> None:
    own = told(
        (10.0, 0.0, OTHER),
        (11.0, 1.0, TRAINED),
        (15.0, 5.0, TRAINED),
        (20.0, 7.0, OTHER),
        (22.0, 9.0, TRAINED),
        (30.0, 9.5, OTHER),
        (30.25, 9.5, OTHER),
    )
    assert (own.arrived, own.claimed) == (7.0, 7.0)
    assert (own.apart, own.trouble) == (0.0, "")
    assert own.span() == (9.5, 9.5)
    assert (own.first, own.last) == ((10.0, 0.0), (30.25, 9.5))


def test_a_validation_that_tells_no_time_is_left_out_too() -> None:
    own = told((1.0, 1.0, TRAINED), (5.0, None, OTHER), (6.0, 2.0, TRAINED), (7.0, 3.0, TRAINED))
    assert (own.arrived, own.claimed, own.span()) == (1.0, 1.0, (3.0, 3.0))


def test_a_step_that_tells_no_time_is_skipped() -> None:
    own = told((1.0, 1.0, TRAINED), (2.0, None, TRAINED), (3.0, 3.0, TRAINED))
    assert (own.arrived, own.claimed) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("claims", "span", "trouble"),
    [
        ((1.0, 5.5), (5.5, 6.0), ""),
        ((1.0, 6.5), (6.0, 6.5), ""),
        ((1.0, 5.25), None, "its own training time is 0.8 s off over 5.0 s"),
        ((1.0, 6.75), None, "its own training time is not possible by when its lines came"),
        ((2.0, 1.75), None, "its own training time is not possible by when its lines came"),
        ((1.0, math.nan), None, "its own training time is not possible by when its lines came"),
        ((1.0, math.inf), None, "its own training time is not possible by when its lines came"),
        ((-0.25, 4.75), None, "its own training time is not possible by when its lines came"),
        ((11.0, 15.0), None, "its own training time is not possible by when its lines came"),
    ],
)
def test_half_a_second_apart_is_still_a_clock(
    claims: tuple[float, float], span: tuple[float, float] | None, trouble: str
) -> None:
    own = told((10.0, claims[0], TRAINED), (15.0, claims[1], TRAINED))
    assert (own.span(), own.trouble) == (span, trouble)


@pytest.mark.parametrize(("claim", "holds"), [(198.0, True), (197.75, False)])
def test_of_a_long_time_one_percent_may_be_missing(claim: float, holds: bool) -> None:
    assert (told((1.0, 0.0, TRAINED), (201.0, claim, TRAINED)).span() is not None) == holds


def test_a_pause_longer_than_the_time_between_two_lines_is_impossible() -> None:
    assert told((10.0, 1.0, TRAINED), (12.0, 3.5, OTHER)).trouble == ""
    assert told((10.0, 1.0, TRAINED), (12.0, 3.75, OTHER)).trouble != ""


@pytest.mark.parametrize(("claim", "possible"), [(1.5, True), (1.75, False), (0.0, True), (-0.25, False)])
def test_nobody_trains_for_longer_than_there_was_time(claim: float, possible: bool) -> None:
    assert (told((1.0, claim, TRAINED)).trouble == "") == possible


def test_nothing_said_is_no_trouble() -> None:
    assert (OwnTime().span(), OwnTime().trouble) == (None, "")
