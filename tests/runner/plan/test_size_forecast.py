"""The forecast as a whole: its likeliest figure lies in its interval, and what it says of the cap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf_model.config.golf_config import GolfConfig
from runner.job.load import load_job
from runner.plan.size_forecast import against_cap, forecast_bytes, rough, told_bytes
from runner.results.verdicts import SizeForecast
from tests.fixtures.model_jobs import configs
from tests.fixtures.places import JOBS

CODE = 50_000


@settings(max_examples=25)
@given(configs, st.sampled_from([None, 0.3, 40.0, 1e6]))
def test_the_likeliest_size_lies_between_the_others(config: GolfConfig, steps: float | None) -> None:
    forecast = forecast_bytes(config, CODE, steps)
    assert forecast.expected is not None
    assert CODE < forecast.low <= forecast.expected <= forecast.high


def test_it_says_what_the_figure_rests_on() -> None:
    forecast = forecast_bytes(GolfConfig(), CODE, 14_724.3)
    assert forecast.basis == (
        "7.33 (2 to 8.2) bits for each of 17,039,360 int8 weights, the entropy of Gaussian rows after about "
        "15,000 steps; 8 public runs ended within 2 % of it, short ones further off"
    )
    assert "steps" not in forecast_bytes(GolfConfig(), CODE).basis


def test_a_step_that_is_solved_for_ends_just_under_its_cap_or_at_the_finest() -> None:
    config = load_job(JOBS / "fit16.yaml").config
    forecast = forecast_bytes(config, CODE, 8000)
    assert (forecast.low, forecast.expected, forecast.high) == (15_984_000, 15_992_000, 16_000_000)
    assert "to take at most 16,000,000 bytes" in forecast.basis


def test_bytes_are_told_in_megabytes_and_to_the_byte() -> None:
    forecast = SizeForecast(low=4_313_922, high=17_606_110, basis="", expected=15_876_401)
    assert told_bytes(forecast) == "about 15.9 MB: 15,876,401 bytes (4,313,922 to 17,606,110 bytes)"
    assert told_bytes(SizeForecast(low=1, high=2_000, basis="")) == "1 to 2,000 bytes"  # of an older record


@pytest.mark.parametrize(
    ("expected", "high", "said"),
    [
        (900, 1100, ""),
        (985, 1100, "too near to tell on which side"),
        (1015, 1100, "too near to tell on which side"),
        (1025, 1100, "likely over it"),
        (999, 1000, ""),  # solved for
    ],
)
def test_what_it_says_of_the_cap(expected: int, high: int, said: str) -> None:
    assert against_cap(SizeForecast(low=1, high=high, basis="", expected=expected), 1000) == said


@pytest.mark.parametrize(("steps", "said"), [(0.35, 1), (7, 7), (1234.5, 1200), (14_724, 15_000)])
def test_steps_are_told_in_two_digits(steps: float, said: int) -> None:
    assert rough(steps) == said
