"""Two records of which one was disturbed: what may be missing of a curve, and what may not be another."""

from __future__ import annotations

import pytest

from runner.results.frozen import Interval
from runner.results.phases import LogFacts, Segment
from runner.results.runs import Curve
from tests.chaos.equal import Content, curve_differences, record_differences
from tests.fixtures.results import phase, run_result

STEPS = list(range(10, 110, 10))
USUAL = Curve(seed=1, steps=STEPS, losses=[7 - step / 100 for step in STEPS], val_steps=[0, 100], val_losses=[7, 6])
LIFE = Segment(attempt=1, clock=Interval(low=1.0, high=1.1), strict_clock=Interval(low=1.0, high=1.1))


def without(*missing: int, **changes: object) -> Curve:
    kept = [(step, loss) for step, loss in zip(USUAL.steps, USUAL.losses, strict=True) if step not in missing]
    return USUAL.model_copy(
        update={"steps": [step for step, _ in kept], "losses": [loss for _, loss in kept], **changes}
    )


def told(found: Curve, *, lives: int = 1, resumed: int | None = 60, step_ms: float = 50.0) -> list[str]:
    result = run_result(
        1,
        train=phase("train", 10.0, earlier=[LIFE] * lives),
        log=LogFacts(resumed_step=resumed, step_avg_ms=step_ms),
    )
    return list(curve_differences(USUAL, found, result))


def test_a_curve_with_nothing_missing_is_the_same_in_one_life_and_in_two() -> None:
    assert told(without(), lives=0, resumed=None) == told(without()) == []


def test_lines_on_their_way_when_a_life_ended_may_be_missing_right_before_the_step_it_went_on_from() -> None:
    assert told(without(50, 60)) == []
    assert told(without(50, 60), resumed=65) == []


@pytest.mark.parametrize(
    ("found", "how", "said"),
    [
        (without(50, 60), {"lives": 0, "resumed": None}, "steps [50, 60] are missing, and the seed had one life"),
        (without(50, 60), {"lives": 0}, "steps [50, 60] are missing, and the seed had one life"),
        (without(70), {}, "steps [70] are missing, which its last life made"),
        (without(20, 60), {}, "steps [20, 60] are missing: more gaps than lives that ended"),
        (without(40), {}, "steps [40] are missing, and not right before step 60, where it went on"),
        (
            without(50, 60),
            {"step_ms": 201.0},
            "steps [50, 60] are missing: the first was 2.0 s old when its life ended",
        ),
    ],
)
def test_what_no_death_explains_is_told(found: Curve, how: dict[str, float], said: str) -> None:
    assert f"curves: seed 1, train: {said}" in told(found, **how)  # type: ignore[arg-type]


def test_another_loss_a_step_too_many_and_a_lost_validation_are_told() -> None:
    assert told(without(losses=[*USUAL.losses[:-1], 1.5])) == ["curves: seed 1, train, step 100: 6.0 became 1.5"]
    more = without(steps=[*STEPS, 110], losses=[*USUAL.losses, 5.0])
    assert told(more) == ["curves: seed 1, train, step 110: None became 5.0"]
    lost = without(val_steps=[0], val_losses=[7.0])
    assert told(lost) == ["curves: seed 1, val: steps [100] are missing, which its last life made"]


def test_a_seed_with_a_curve_on_one_side_only_is_told_and_so_is_a_thinned_one() -> None:
    usual = Content({"seeds": 1}, {1: USUAL}, {1: run_result(1)})
    assert record_differences(usual, usual) == []
    assert record_differences(usual, Content({"seeds": 1}, {}, {})) == [
        "curves: of seed 1 there is one on one side only"
    ]
    long = USUAL.model_copy(update={"steps": list(range(100)), "losses": [1.0] * 100})
    assert list(curve_differences(long, long, run_result(1))) == [
        "curves: seed 1, train: thinned, so that it cannot be compared; the job logs too often"
    ]
