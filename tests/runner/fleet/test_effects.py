"""How far nodes are from each other: exact numbers, held against scipy's tests where it has the same."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from runner.fleet.effects import Value, node_effects, scatter, step_slope
from runner.statistics import holm

A = (1.080, 1.084, 1.081)
B = (1.090, 1.091, 1.086, 1.089)


def values(group: str, **nodes: tuple[float, ...]) -> list[Value]:
    return [Value(group, node, value) for node, some in nodes.items() for value in some]


def test_of_two_nodes_it_is_half_of_students_difference() -> None:
    found = node_effects(values("job", a=A, b=B))
    theirs = stats.ttest_ind(A, B)
    assert found["a"].estimate == pytest.approx((sum(A) / 3 - sum(B) / 4) / 2)
    assert found["a"].estimate == pytest.approx(-(found["b"].estimate or 0))
    ends = theirs.confidence_interval(0.95)
    assert (found["a"].low, found["a"].high) == pytest.approx((ends.low / 2, ends.high / 2))
    assert found["a"].p == pytest.approx(holm([theirs.pvalue, theirs.pvalue])[0])
    assert (found["a"].values, found["a"].groups, found["a"].said) == (3, 1, "lower")


def test_jobs_of_other_levels_are_put_together() -> None:
    shifted = tuple(value + 3.0 for value in A), tuple(value + 3.0 for value in B)
    one = node_effects(values("job", a=A, b=B))["a"]
    two = node_effects([*values("job", a=A, b=B), *values("other", a=shifted[0], b=shifted[1])])["a"]
    assert two.estimate == pytest.approx(one.estimate)
    assert two.groups == 2
    assert one.low is not None
    assert two.low is not None
    assert two.low > one.low


def test_a_job_on_one_node_tells_of_scatter_alone() -> None:
    found = node_effects(values("job", a=A))
    assert (found["a"].estimate, found["a"].said) == (None, "unknown")
    pooled = scatter([*values("job", a=A), *values("other", b=B)])
    assert pooled is not None
    rest = sum((x - sum(some) / len(some)) ** 2 for some in (A, B) for x in some)
    assert (pooled.std, pooled.df) == pytest.approx((math.sqrt(rest / 5), 5))


def test_single_seeds_have_a_difference_and_no_interval() -> None:
    found = node_effects(values("job", a=(1.08,), b=(1.09,)))
    assert found["a"].estimate == pytest.approx(-0.005)
    assert (found["a"].low, found["a"].p, found["a"].said) == (None, None, "unknown")


def test_a_node_with_one_seed_has_a_wide_interval_not_none() -> None:
    found = node_effects(values("job", a=A, b=B, c=(1.0851,)))
    assert found["c"].low is not None
    assert found["c"].high is not None
    assert found["a"].low is not None
    assert found["a"].high is not None
    assert found["c"].high - found["c"].low > found["a"].high - found["a"].low
    assert found["c"].said == "as the others"


def test_what_a_score_gains_by_steps_is_scipys_line_within_one_job() -> None:
    steps = [math.log(x) for x in (100, 110, 120, 130, 140, 150)]
    scores = [1.20, 1.19, 1.185, 1.17, 1.165, 1.16]
    found = step_slope([Value("job", "a", score) for score in scores], [Value("job", "a", step) for step in steps])
    line = stats.linregress(steps, scores)
    assert found is not None
    slope, variance = found
    assert (slope.slope, slope.seeds) == pytest.approx((line.slope, 6))
    assert math.sqrt(variance) == pytest.approx(line.stderr)
    assert slope.high - slope.slope == pytest.approx(stats.t.ppf(0.975, 4) * line.stderr)


def test_equal_steps_tell_no_slope() -> None:
    same = [Value("job", "a", math.log(100))] * 6
    assert step_slope([Value("job", "a", score) for score in (*A, *A)], same) is None
