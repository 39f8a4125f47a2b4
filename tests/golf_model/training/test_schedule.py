"""Learning rate and momentum over a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config import OptimConfig, ScheduleConfig
from golf_model.training.schedule import learning_rate_multiplier, muon_momentum, warmdown_fraction


@given(st.integers(0, 10_000), st.floats(0, 100_000), st.integers(0, 3000))
def test_wallclock_multiplier_stays_between_zero_and_one(step: int, elapsed_ms: float, warmdown: int) -> None:
    schedule = ScheduleConfig(max_wallclock_seconds=60.0, warmdown_iters=warmdown)
    assert 0.0 <= learning_rate_multiplier(schedule, step, elapsed_ms) <= 1.0


def test_steps_schedule_ignores_the_clock() -> None:
    schedule = ScheduleConfig(kind="steps", iterations=100, warmdown_iters=50)
    assert learning_rate_multiplier(schedule, 75, 0.0) == learning_rate_multiplier(schedule, 75, 1e9) == 0.5


def test_warmdown_longer_than_the_run_starts_below_one() -> None:
    schedule = ScheduleConfig(kind="steps", iterations=10, warmdown_iters=40)
    assert learning_rate_multiplier(schedule, 0, 0.0) == 0.25


def test_no_warmdown_keeps_the_rate() -> None:
    assert learning_rate_multiplier(ScheduleConfig(warmdown_iters=0), 50, 599_999.0) == 1.0


def test_momentum_without_warmup_is_final_from_the_start() -> None:
    assert muon_momentum(OptimConfig(muon_momentum_warmup_steps=0), 0) == 0.95


@pytest.mark.parametrize(("floor", "expected"), [(0.0, [1.0, 0.5, 0.0]), (0.1, [1.0, 0.55, 0.1])])
def test_warmdown_ends_at_the_floor(floor: float, expected: list[float]) -> None:
    schedule = ScheduleConfig("wallclock", max_wallclock_seconds=100.0, warmdown_iters=50, warmdown_lr_floor=floor)
    found = [learning_rate_multiplier(schedule, step, 1000.0 * step) for step in (20, 75, 100)]
    assert found == pytest.approx(expected)


def test_no_floor_changes_no_bit() -> None:
    schedule = ScheduleConfig("steps", iterations=1000, warmdown_iters=700)
    for step in range(1000):
        assert learning_rate_multiplier(schedule, step, 0.0) == warmdown_fraction(schedule, step, 0.0)
