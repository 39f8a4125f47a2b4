"""Statistics over seeds: public records to six digits, hand-computed values, scipy's own tests, simulation."""

from __future__ import annotations

import functools
import math
import os
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from runner.statistics import (
    _probability,
    _shift,
    candidate_seeds,
    chance,
    describe,
    fewest,
    holm,
    one_sample,
    one_sample_power,
    paired,
    seeds_per_arm,
    t_quantile,
    target_seeds,
    welch,
    welch_power,
)
from tests.conftest import SHARED
from tests.stats_cases import Statement, not_checked, read_cases, statements

# ---- files of cases: the shared one, and one that GOLF_STATS_CASES names ----

PUBLIC = SHARED / "stats_cases.json"
FILES = [path for path in (PUBLIC, Path(os.environ.get("GOLF_STATS_CASES") or PUBLIC)) if path.is_file()]
ALL = {path: list(statements(read_cases(path))) for path in dict.fromkeys(FILES)}


def test_the_public_records_are_at_hand() -> None:
    if not PUBLIC.is_file():
        pytest.skip(f"no {PUBLIC.name} beside the project: the public records are not checked")
    assert len(ALL[PUBLIC]) > 70
    assert not_checked(read_cases(PUBLIC)) == []


def test_the_file_that_the_environment_names_is_read_and_says_something() -> None:
    name = os.environ.get("GOLF_STATS_CASES")
    if not name:
        pytest.skip("GOLF_STATS_CASES names no further file of cases")
    assert Path(name).is_file(), f"GOLF_STATS_CASES: {name} is no file"
    assert ALL[Path(name)], f"{name} states nothing that can be checked"
    missed = not_checked(read_cases(Path(name)))
    if missed:
        pytest.skip(f"{name} states things that nobody here can check: {', '.join(missed)}")


@pytest.mark.parametrize(
    "statement", [pytest.param(one, id=one.name) for found in ALL.values() for one in found] or [None]
)
def test_a_stated_number_comes_out(statement: Statement | None) -> None:
    if statement is None:
        pytest.skip("no file of cases: neither beside the project nor in GOLF_STATS_CASES")
    assert statement.ours() == pytest.approx(statement.stated, abs=statement.tolerance)


# ---- by hand ----


def test_a_sample_computed_by_hand() -> None:
    found = describe([1.0, 2.0, 3.0, 6.0])
    assert (found.n, found.mean, found.min, found.max) == (4, 3.0, 1.0, 6.0)
    assert found.std == pytest.approx(math.sqrt(14 / 3))  # squares 4 + 1 + 0 + 9 over n - 1
    assert found.standard_error == pytest.approx(math.sqrt(14 / 12))
    half = 3.182446305284263 * math.sqrt(14 / 12)  # t of 0.975 with 3 degrees of freedom, from a table
    assert found.low == pytest.approx(3 - half)
    assert found.high == pytest.approx(3 + half)


def test_one_value_has_a_mean_and_no_spread() -> None:
    found = describe([1.25])
    assert (found.n, found.mean, found.min, found.max) == (1, 1.25, 1.25, 1.25)
    assert (found.std, found.standard_error, found.low, found.high) == (None, None, None, None)


def test_welch_computed_by_hand() -> None:
    # means 4 and 2, variances 1 and 4 of three values each: t = 2 / sqrt(5/3), df = (5/3)^2 / (1/18 + 16/18)
    found = welch([3.0, 4.0, 5.0], [0.0, 2.0, 4.0])
    assert found.gain == 2.0
    assert found.t == pytest.approx(2 / math.sqrt(5 / 3))
    assert found.df == pytest.approx((25 / 9) / (17 / 18))
    equal = welch([4.0, 5.0], [1.0, 2.0])  # t = 3 / sqrt(1/2) with two degrees of freedom, whose p has a closed form
    assert equal.df == pytest.approx(2.0)
    assert equal.p == pytest.approx(0.5 - math.sqrt(18) / (2 * math.sqrt(2 + 18)))


def test_against_a_number_with_two_values_p_is_the_cauchy_distributions() -> None:
    # n = 2, mean 1, standard error 1: t with one degree of freedom is Cauchy, p = 1/2 - arctan(t) / pi
    assert one_sample([0.0, 2.0], 3.0).p == pytest.approx(0.5 - math.atan(2.0) / math.pi)
    assert one_sample([0.0, 2.0], 1.0).p == pytest.approx(0.5)


def test_power_against_a_number_at_no_gain_is_alpha() -> None:
    assert one_sample_power(0.0, 1.0, 5, 0.01) == pytest.approx(0.01)


# ---- against scipy's own tests, and properties ----

scores = st.lists(st.floats(0.5, 2.0).map(lambda value: round(value, 6)), min_size=2, max_size=8)
spread = scores.filter(lambda values: len(set(values)) > 1)


@given(spread, spread, st.floats(-0.1, 0.1))
@settings(max_examples=60)
def test_welch_is_scipys(baseline: list[float], candidate: list[float], margin: float) -> None:
    found = welch(baseline, candidate, margin)
    shifted = [value - margin for value in baseline]
    theirs = stats.ttest_ind(shifted, candidate, equal_var=False, alternative="greater")
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-9)
    assert found.df == pytest.approx(theirs.df, rel=1e-6)
    interval = stats.ttest_ind(baseline, candidate, equal_var=False).confidence_interval(0.95)
    assert found.low == pytest.approx(interval.low, abs=1e-8)
    assert found.high == pytest.approx(interval.high, abs=1e-8)


@given(spread, st.floats(0.5, 2.0), st.floats(-0.1, 0.1))
@settings(max_examples=60)
def test_against_a_number_is_scipys(candidate: list[float], target: float, margin: float) -> None:
    theirs = stats.ttest_1samp(candidate, target - margin, alternative="less")
    assert one_sample(candidate, target, margin).p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("df", [1, 2, 2.5, 17, 400])
def test_the_quantile_is_that_of_scipys_distribution(df: float) -> None:
    assert t_quantile(df) == pytest.approx(float(stats.t.ppf(0.975, df)), rel=1e-12)


@given(scores)
@settings(max_examples=60)
def test_a_sample_is_the_standard_librarys(values: list[float]) -> None:
    found = describe(values)
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.std == pytest.approx(statistics.stdev(values))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.mean <= found.high
    assert found.min <= found.mean + 1e-12
    assert found.mean <= found.max + 1e-12


@given(spread, spread, st.floats(0.1, 10.0), st.floats(0.0, 0.05))
@settings(max_examples=60)
def test_p_does_not_depend_on_the_unit(one: list[float], two: list[float], scale: float, margin: float) -> None:
    found = welch(one, two, margin)
    scaled = welch([scale * value for value in one], [scale * value for value in two], scale * margin)
    assert scaled.p == pytest.approx(found.p, rel=1e-6, abs=1e-9)
    assert scaled.gain == pytest.approx(scale * found.gain, abs=1e-9)


@given(spread, spread)
@settings(max_examples=60)
def test_the_two_directions_share_one_probability_and_a_margin_only_makes_it_harder(
    one: list[float], two: list[float]
) -> None:
    assert welch(one, two).p + welch(two, one).p == pytest.approx(1.0)
    assert welch(one, two, 0.01).p >= welch(one, two).p


@pytest.mark.parametrize(
    ("one", "two"), [([], [1.0, 2.0]), ([1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0]), ([1.0, 1.0], [2.0, 2.0])]
)
def test_where_nothing_can_be_tested_there_is_no_number(one: list[float], two: list[float]) -> None:
    with pytest.raises(ValueError, match=r"value|spread"):
        welch(one, two)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0]])
def test_a_number_is_not_tested_against_fewer_than_two_different_values(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"value|spread"):
        one_sample(values, 2.0)


# ---- power ----


@pytest.mark.parametrize(
    ("sizes", "stds", "excess", "alpha"),
    [
        ((3, 3), (1.0, 1.0), 2.0, 0.01),
        ((3, 5), (1.0, 2.0), 3.0, 0.05),
        ((2, 2), (1.0, 1.0), 3.0, 0.25),
        ((2, 10), (1.0, 0.2), 4.0, 0.01),
        ((5, 3), (0.5, 1.5), 0.0, 0.05),
    ],
)
def test_the_power_of_welchs_test_is_what_simulation_gives(
    sizes: tuple[int, int], stds: tuple[float, float], excess: float, alpha: float
) -> None:
    trials = 40_000
    random = np.random.default_rng(20)
    one = random.normal(excess, stds[0], (trials, sizes[0]))
    two = random.normal(0.0, stds[1], (trials, sizes[1]))
    p = stats.ttest_ind(one, two, axis=1, equal_var=False, alternative="greater").pvalue
    expected = welch_power(excess, stds, sizes, alpha)
    error = math.sqrt(max(expected * (1 - expected), 1e-4) / trials)
    assert float((p < alpha).mean()) == pytest.approx(expected, abs=4.5 * error)


@given(st.integers(2, 12), st.floats(0.0, 5.0), st.floats(0.2, 3.0))
@settings(max_examples=60)
def test_power_is_a_probability_that_grows_with_the_gain_and_does_not_depend_on_the_unit(
    n: int, excess: float, std: float
) -> None:
    power = welch_power(excess, (1.0, std), (n, n), 0.01)
    assert 0.0 <= power <= welch_power(excess + 0.5, (1.0, std), (n, n), 0.01) <= 1.0
    assert welch_power(7 * excess, (7.0, 7 * std), (n, n), 0.01) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize("excess", [0.8, 2.0, 5.0])
def test_the_seeds_that_are_asked_for_are_the_fewest_that_do(excess: float) -> None:
    arms = seeds_per_arm(excess, (1.0, 1.5), 0.01)
    assert arms is not None
    assert welch_power(excess, (1.0, 1.5), (arms, arms), 0.01) >= 0.8
    assert arms == 2 or welch_power(excess, (1.0, 1.5), (arms - 1, arms - 1), 0.01) < 0.8
    alone = target_seeds(excess, 1.0, 0.01)
    assert alone is not None
    assert one_sample_power(excess, 1.0, alone, 0.01) >= 0.8 > one_sample_power(excess, 1.0, alone - 1, 0.01)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.512, "with a probability of 0.51"),
        (0.9949, "with a probability of 0.99"),
        (0.995, "almost surely"),
        (0.999, "almost surely"),
        (0.001, "almost never"),
        (0.00499, "almost never"),
        (0.005, "with a probability of 0.01"),
        (0.009, "with a probability of 0.01"),
    ],
)
def test_a_probability_is_not_rounded_to_certainty(value: float, said: str) -> None:
    assert chance(value) == said


def test_a_textbook_sample_size() -> None:
    # One-sided t test at 0.05, effect of one deviation, 80 % power: 14 in each group (Cohen 1988, table 2.4.1).
    assert seeds_per_arm(1.0, (1.0, 1.0), 0.05) == 14


def test_no_number_of_seeds_shows_a_gain_that_is_not_there() -> None:
    assert seeds_per_arm(0.0, (1.0, 1.0), 0.25) is None
    assert seeds_per_arm(-1.0, (1.0, 1.0), 0.25) is None
    assert fewest(lambda n: 0.79, 1.0, 0.8) is None
    assert fewest(lambda n: 1.0, 0.0, 0.8) is None
    assert fewest(lambda n: 1.0, 1e-9, 0.8) == 2


def divided(most: int, n: int) -> float:
    return n / most


def share_of(most: int, excess: float, stds: tuple[float, float], sizes: tuple[int, int], alpha: float) -> float:
    """A power that grows evenly with the smaller arm."""
    return min(sizes) / most


def test_seeds_are_counted_to_two_hundred_and_a_power_that_is_reached_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for most, found in ((200, 200), (201, None)):
        assert fewest(functools.partial(divided, most), 1.0, 1.0) == found
        monkeypatch.setattr("runner.statistics.welch_power", functools.partial(share_of, most))
        assert seeds_per_arm(1.0, (1.0, 1.0), 0.05, 1.0) == found
    monkeypatch.setattr("runner.statistics.welch_power", functools.partial(share_of, 10))
    assert seeds_per_arm(1.0, (1.0, 1.0), 0.05) == 8
    assert seeds_per_arm(1.0, (1.0, 1.0), 0.05, 0.1) == 2
    assert seeds_per_arm(0.0, (1.0, 1.0), 0.05, 0.1) is None
    assert fewest(lambda n: n / 10, 1.0, 0.8) == 8


def test_one_arm_without_spread_leaves_a_power_and_two_leave_none() -> None:
    assert welch_power(0.01, (0.0, 0.002), (3, 3), 0.01) == pytest.approx(
        welch_power(0.01, (0.002, 0.0), (3, 3), 0.01)
    )
    with pytest.raises(ValueError, match="a spread"):
        welch_power(0.01, (0.0, 0.0), (3, 3), 0.01)


def test_a_small_baseline_that_stays_can_make_a_gain_impossible_to_show() -> None:
    assert candidate_seeds(1.0, (1.0, 1.0), 3, 0.01) is None
    assert candidate_seeds(1.0, (1.0, 1.0), 40, 0.01) is not None


def test_gains_beyond_all_measure_are_certain_and_losses_hopeless() -> None:
    for excess in (1e9, 1e30):
        assert welch_power(excess, (1.0, 1.0), (3, 3), 0.01) == pytest.approx(1.0)
        assert one_sample_power(excess, 1.0, 3, 0.01) == pytest.approx(1.0)
        assert welch_power(-excess, (1.0, 1.0), (3, 3), 0.01) == pytest.approx(0.0)


def test_what_scipy_does_not_define_is_cut_to_what_decides_the_same() -> None:
    assert [_shift(value) for value in (-math.inf, -2e6, -1e6, 7.5, 1e6, 2e6)] == [-1e6, -1e6, -1e6, 7.5, 1e6, 1e6]
    assert [_probability(value) for value in (-1e-17, 0.25, 1 + 1e-15)] == [0.0, 0.25, 1.0]


@pytest.mark.parametrize(("std", "size"), [(0.0, 3), (-1.0, 3), (1.0, 1), (1.0, 0), (0.0, 1)])
def test_power_against_a_number_takes_two_values_and_a_spread(std: float, size: int) -> None:
    with pytest.raises(ValueError, match="power takes two values, and a spread"):
        one_sample_power(1.0, std, size, 0.01)
    assert 0.0 < one_sample_power(1.0, 1e-3, 2, 0.01) <= 1.0


@pytest.mark.parametrize(
    ("stds", "sizes"),
    [((0.0, 0.0), (3, 3)), ((1.0, 1.0), (1, 3)), ((1.0, 1.0), (3, 1)), ((-1.0, 0.0), (3, 3)), ((0.0, 0.0), (1, 1))],
)
def test_power_without_spread_or_a_second_value_is_no_number(
    stds: tuple[float, float], sizes: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="spread"):
        welch_power(1.0, stds, sizes, 0.01)


def test_paired_is_students_test_of_the_differences() -> None:
    found = paired([1.0, 2.0, 3.0], [1.5, 2.7, 3.6])
    assert (found.n, found.df) == (3, 2)
    assert found.delta == pytest.approx(0.6)
    assert found.t == pytest.approx(10.392304845)
    assert found.p == pytest.approx(1 - (108 / 110) ** 0.5)  # two degrees of freedom have a closed form
    assert [found.low, found.high] == pytest.approx([0.6 - 0.1 / 3**0.5 * 4.3026527, 0.6 + 0.1 / 3**0.5 * 4.3026527])
    with pytest.raises(ValueError, match="two pairs"):
        paired([1.0], [2.0])
    with pytest.raises(ValueError, match="spread"):
        paired([1.0, 2.0], [2.0, 3.0])


def test_holm_keeps_the_order_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
