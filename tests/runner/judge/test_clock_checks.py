"""Clocks of somebody else's script before the judge: what narrowed them, how wide is too wide, what came after."""

from __future__ import annotations

from typing import Any

import pytest

from runner.judge.clock_checks import unannounced_seconds
from runner.results.frozen import Interval, Status
from runner.results.phases import Compared, LogFacts, PhaseResult, Segment
from tests.fixtures.results import phase, run_result
from tests.runner.judge.test_judge import check_of


def theirs(low: float, high: float, **changes: Any) -> PhaseResult:
    """A training process of somebody else's script."""
    base: dict[str, Any] = {"events": {}, "clock": Interval(low=low, high=high), "strict_clock": None}
    return phase("train", high, **{**base, "frozen_seconds": None, **changes})


def narrowed(low: float, high: float, *, by_arrival: tuple[float, float], **changes: Any) -> PhaseResult:
    wide = Interval(low=by_arrival[0], high=by_arrival[1])
    return theirs(low, high, arrival_clock=wide, narrowed_by="its own training time", **changes)


def claims(seconds: float | None) -> LogFacts:
    return run_result().log.model_copy(update={"train_seconds": seconds})


def agreement(train: PhaseResult, claim: float | None) -> tuple[Status, str]:
    check = check_of("log_clock", run_result(train=train, log=claims(claim)))
    return check.status, check.measured


def test_a_clock_that_was_narrowed_says_by_what_and_what_arrival_alone_shows() -> None:
    train = narrowed(59.95, 60.05, by_arrival=(41.25, 63.5))
    check = check_of("train_clock", run_result(train=train))
    assert (check.status, check.measured) == ("pass", "59.95 to 60.05 s")
    assert check.detail == "narrowed by its own training time; by arrival alone 41.25 to 63.50 s"


def test_of_a_script_whose_lines_tell_no_time_what_it_announced_is_held_against_arrivals() -> None:
    train = narrowed(3.98, 4.08, by_arrival=(3.2, 4.4)).model_copy(update={"narrowed_by": "what it announced"})
    check = check_of("log_clock", run_result(train=train, log=claims(None)))
    assert (check.status, check.measured) == ("pass", "0.00 s apart")
    assert check.detail == "what it announced 4.03 s, referee 3.20 to 4.40 s"


def test_a_script_that_tells_no_time_at_all_is_told_how_to() -> None:
    check = check_of("log_clock", run_result(train=theirs(3.0, 4.0), log=claims(None)))
    assert (check.status, check.measured) == ("unknown", "not measured")
    assert check.detail == (
        "neither a line nor an announcement tells its training time: outputs.train_time, or outputs.announce"
    )


@pytest.mark.parametrize("claim", [None, 5.0])
def test_without_a_clock_nobody_is_told_how_to_tell_a_time(claim: float | None) -> None:
    check = check_of("log_clock", run_result(train=theirs(3.0, 4.0, clock=None), log=claims(claim)))
    assert (check.status, check.measured, check.detail) == ("unknown", "not measured", "")


def test_too_wide_a_clock_says_why_it_was_not_narrowed() -> None:
    train = theirs(1.0, 9.0, clock_doubt="what it announced and its own training time contradict each other")
    check = check_of("log_clock", run_result(train=train, log=claims(5.0)))
    assert check.status == "unknown"
    assert check.detail.endswith(
        "too wide to tell; not narrowed, since what it announced and its own training time contradict each other"
    )


def test_a_clock_that_was_not_narrowed_says_why() -> None:
    train = theirs(1.0, 69.0, clock_doubt="its own training time takes off 8.0 s, too much to go by it alone")
    check = check_of("train_clock", run_result(train=train))
    assert (check.status, check.measured) == ("unknown", "1.00 to 69.00 s")
    assert check.detail.endswith("not narrowed: its own training time takes off 8.0 s, too much to go by it alone")


@pytest.mark.parametrize(
    ("low", "high", "claim", "expected"),
    [
        # RULES: half a second, or one percent, whichever is more.
        (20.0, 20.0, 20.5, ("pass", "0.50 s apart")),
        (20.0, 20.0, 20.51, ("fail", "0.51 s apart")),
        (20.0, 20.0, 19.49, ("fail", "0.51 s apart")),
        (600.0, 600.0, 594.0, ("pass", "6.00 s apart")),
        (600.0, 600.0, 593.9, ("fail", "6.10 s apart")),
        # Four times as wide as that says nothing of a claim within it.
        (19.0, 21.0, 20.0, ("pass", "0.00 s apart")),
        (19.0, 21.01, 20.0, ("unknown", "19.00 to 21.01 s")),
        (590.0, 614.0, 600.0, ("pass", "0.00 s apart")),
        (590.0, 614.1, 600.0, ("unknown", "590.00 to 614.10 s")),
        (8.95, 22.39, 20.0, ("unknown", "8.95 to 22.39 s")),
        # What lies outside of it is told all the same.
        (8.95, 22.39, 23.0, ("fail", "0.61 s apart")),
        (8.95, 22.39, 8.0, ("fail", "0.95 s apart")),
    ],
)
def test_a_claim_is_held_against_the_interval_unless_that_is_too_wide_to_tell(
    low: float, high: float, claim: float, expected: tuple[Status, str]
) -> None:
    assert agreement(theirs(low, high), claim) == expected


@pytest.mark.parametrize(
    ("arrived", "claimed", "expected"),
    [
        (10.0, 10.0, ("pass", "0.00 s apart")),
        (12.0, 11.5, ("pass", "0.50 s apart")),
        (12.0, 11.49, ("fail", "0.51 s apart")),
        (9.99, 9.99, ("unknown", "8.95 to 22.39 s")),
        (3.0, 3.6, ("fail", "0.60 s apart")),
    ],
)
def test_line_by_line_half_of_the_time_is_enough_to_tell_and_any_part_to_contradict(
    arrived: float, claimed: float, expected: tuple[Status, str]
) -> None:
    part = Compared(arrived=arrived, claimed=claimed)
    assert agreement(theirs(8.95, 22.39, compared=part), 20.0) == expected
    # What the claim itself has narrowed is not held against the claim.
    narrow = narrowed(19.95, 20.05, by_arrival=(8.95, 22.39), compared=part)
    assert agreement(narrow, 20.0) == expected


def test_a_dialect_whose_log_tells_golf_no_time_claims_what_its_own_lines_say() -> None:
    assert agreement(theirs(19.0, 20.0, own_seconds=19.5), None) == ("pass", "0.00 s apart")
    assert agreement(theirs(19.0, 20.0, own_seconds=29.5), None) == ("fail", "9.50 s apart")
    assert agreement(theirs(19.0, 20.0), None)[0] == "unknown"


@pytest.mark.parametrize(
    ("busy", "status", "told"),
    [
        (None, "unknown", "artifact written 61.0 s after the line that ends training, too long"),
        (60.5, "unknown", "artifact written 61.0 s after the line that ends training, 60.5 s of them busy, too long"),
        (60.0, "pass", "artifact written 61.0 s after the line that ends training, 60.0 s of them busy"),
        (99.0, "unknown", "artifact written 61.0 s after the line that ends training, 61.0 s of them busy, too long"),
    ],
)
def test_a_machine_that_stood_idle_has_not_trained(busy: float | None, status: Status, told: str) -> None:
    train = theirs(50.0, 50.0, over_seconds=70.0, frozen_seconds=131.0, busy_after_seconds=busy)
    check = check_of("train_clock", run_result(train=train))
    assert check.status == status
    assert check.detail.startswith(told)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"over_seconds": 70.0, "frozen_seconds": 75.0}, 5.0),
        ({"over_seconds": 70.0, "frozen_seconds": 65.0}, 0.0),
        ({"over_seconds": 70.0, "frozen_seconds": 75.0, "events": {"train_end": 70.0}}, 5.0),
        ({"over_seconds": 70.0}, None),
        # Records from before the end of training was noted: the strict clock began with the process.
        ({"frozen_seconds": 75.0, "strict_clock": Interval(low=50.0, high=72.0)}, 3.0),
        ({"frozen_seconds": 75.0, "strict_clock": Interval(low=50.0, high=72.0), "events": {"train_end": 1.0}}, None),
    ],
)
def test_from_the_end_of_training_to_the_artifact(changes: dict[str, Any], seconds: float | None) -> None:
    assert unannounced_seconds(theirs(50.0, 50.0, **changes)) == seconds
    assert unannounced_seconds(None) is None


def test_two_steps_of_grace_are_as_long_as_the_least_that_it_trained_says() -> None:
    log = run_result().log.model_copy(update={"steps": 200})
    check = check_of("train_clock", run_result(log=log, train=theirs(200.0, 601.5)), train_seconds=600.0)
    assert (check.status, check.limit) == ("pass", "600 s + 2 s")


def lives(*seconds: float) -> list[Segment]:
    """Earlier lives that trained so long."""
    clocks = [Interval(low=one, high=one) for one in seconds]
    return [Segment(attempt=number, clock=one, strict_clock=one) for number, one in enumerate(clocks, start=1)]


def resumed(counted: list[Segment], own: float = 10.0, **facts: Any) -> tuple[Status, str]:
    """The training clock of a seed whose log says that it went on from a checkpoint."""
    most = sum(life.clock.high for life in counted) + own
    train = theirs(most, most, earlier=counted)
    log = run_result().log.model_copy(update=facts)
    check = check_of("train_clock", run_result(train=train, log=log))
    return check.status, check.detail.split(";")[0]


def test_a_log_that_says_that_it_went_on_needs_an_earlier_life_that_is_counted() -> None:
    assert resumed([], resumed_step=210, resumed_seconds=3.0, steps=800) == (
        "fail",
        "its log says that it went on after step 210, and no earlier life is counted",
    )
    assert resumed(lives(2.0, 1.0), resumed_step=210, resumed_seconds=3.75, steps=800) == (
        "fail",
        "its log says that it went on after 3.75 s of training, and its earlier lives count 3.00 s",
    )
    assert resumed(lives(2.0, 1.0), resumed_step=210, resumed_seconds=3.0, steps=800)[0] == "pass"
    assert resumed(lives(3.0), resumed_step=210, resumed_seconds=float("nan"), steps=800)[0] == "fail"


def test_earlier_lives_too_short_for_the_steps_that_were_gone_on_from_leave_the_clock_unknown() -> None:
    assert resumed(lives(1.0), resumed_step=700, resumed_seconds=1.0, steps=800) == (
        "unknown",
        "the 700 steps that it went on from would take 70.0 s at its own pace, its earlier lives count 1.0 s",
    )
    counted = lives(1.0)
    log = run_result().log.model_copy(update={"resumed_step": 700, "resumed_seconds": 1.0, "steps": 800})
    train = theirs(1.5, 11.0, earlier=counted)  # its own life took up to 10 s: the slowest pace is held against it
    assert check_of("train_clock", run_result(train=train, log=log)).status == "unknown"
    assert resumed(lives(34.0), resumed_step=700, resumed_seconds=34.0, steps=800)[0] == "pass"
    assert resumed(lives(1.0), resumed_step=790, resumed_seconds=1.0, steps=800)[0] == "pass"
