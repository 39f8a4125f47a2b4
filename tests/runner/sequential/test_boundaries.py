"""Boundaries: the published values, the whole error spent, and probabilities that add up."""

from __future__ import annotations

import pytest
from scipy import stats

from runner.sequential.boundaries import Spending, boundaries, crossing, information_of, spending

FIVE = (1.0, 2.0, 3.0, 4.0, 5.0)
PUBLISHED: dict[Spending, list[float]] = {
    "obrien_fleming": [4.877, 3.357, 2.680, 2.290, 2.031],
    "pocock": [2.438, 2.427, 2.410, 2.397, 2.386],
}
"""One-sided 0.025, five looks at equal distances: Lan and DeMets' spending functions."""


@pytest.mark.parametrize("kind", PUBLISHED)
def test_bounds_are_the_published_ones(kind: Spending) -> None:
    assert [round(one.z, 3) for one in boundaries(kind, 0.025, FIVE)] == PUBLISHED[kind]


@pytest.mark.parametrize("kind", PUBLISHED)
def test_the_whole_error_is_spent_and_no_more(kind: Spending) -> None:
    information = information_of(range(3, 10), 5)
    bounds = boundaries(kind, 0.01, information)
    up, down = crossing([one.z for one in bounds], information)
    assert sum(up) == pytest.approx(0.01, abs=1e-9)
    assert up == pytest.approx([one.spent for one in bounds], abs=1e-10)
    assert down == (0.0,) * 7
    assert spending(kind, 0.01, 1.0) == pytest.approx(0.01)


def test_one_look_is_the_plain_test() -> None:
    (only,) = boundaries("pocock", 0.01, [4.0])
    assert only.z == pytest.approx(stats.norm.isf(0.01))
    up, down = crossing([only.z], [4.0], theta=1.5, give_up=[0.0])
    assert up[0] == pytest.approx(stats.norm.sf(only.z - 3.0))
    assert down[0] == pytest.approx(stats.norm.cdf(-3.0))


def test_two_looks_are_the_bivariate_normal() -> None:
    up, _ = crossing([2.0, 1.8], [1.0, 2.0])
    both = stats.multivariate_normal(cov=[[1, 0.5**0.5], [0.5**0.5, 1]])
    assert sum(up) == pytest.approx(1 - both.cdf([2.0, 1.8]), abs=1e-5)


def test_a_baselines_own_seeds_bound_the_information() -> None:
    assert information_of([3, 9], 5) == pytest.approx((1.875, 3.2142857))
    assert information_of([3, 9], None) == pytest.approx((3.0, 9.0))


@pytest.mark.parametrize("information", [[], [0.0, 1.0], [2.0, 2.0], [3.0, 1.0]])
def test_information_that_does_not_grow_is_refused(information: list[float]) -> None:
    with pytest.raises(ValueError, match="information grows"):
        boundaries("pocock", 0.01, information)
