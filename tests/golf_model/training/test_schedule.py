"""Learning rate and momentum over a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config.model import LoopConfig
from golf_model.config.optim import DecayTaperConfig, OptimConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.training.schedule import (
    decay_taper,
    learning_rate_multiplier,
    muon_momentum,
    passes_loop,
    warmdown_fraction,
)


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


def test_a_warmdown_by_share_of_the_clock_goes_down_to_the_least_rate() -> None:
    schedule = ScheduleConfig(max_wallclock_seconds=100.0, warmdown_iters=0, warmdown_frac=0.8, min_lr=0.1)
    found = [learning_rate_multiplier(schedule, 7, 1000.0 * second) for second in (0, 20, 60, 91, 92, 93, 100, 130)]
    assert found == pytest.approx([1.0, 1.0, 0.5, 0.1125, 0.1, 0.1, 0.1, 0.1])


def test_no_share_leaves_the_steps_of_the_warmdown_as_they_were() -> None:
    schedule = ScheduleConfig(max_wallclock_seconds=100.0, warmdown_iters=50, warmdown_frac=0.0)
    for second in range(100):
        found = learning_rate_multiplier(schedule, 10 + second, 1000.0 * second)
        assert found == warmdown_fraction(schedule, 10 + second, 1000.0 * second)


def test_a_loop_begins_at_its_share_and_never_without_passes() -> None:
    shares = (0.0, 0.349, 0.35, 1.2)
    assert [passes_loop(LoopConfig(3, 5, 2, 0.35), share) for share in shares] == [False, False, True, True]
    assert not any(passes_loop(LoopConfig(3, 5, 0, 0.35), share) for share in shares)


def test_decay_tapers_in_a_line_and_off_never() -> None:
    taper = DecayTaperConfig(0.7, 0.5)
    assert [decay_taper(taper, share) for share in (0, 0.7, 0.85, 1.0, 1.1)] == pytest.approx([1, 1, 0.75, 0.5, 0.5])
    assert {decay_taper(DecayTaperConfig(1.0, 0.1), share) for share in (0, 0.5, 1.0, 1.5)} == {1.0}
