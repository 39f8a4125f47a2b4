"""Designs: the error is kept with few seeds, by simulations that the design has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from runner.sequential.design import design, p_values

LOOKS = tuple(range(3, 10))
EXPERIMENTS = 20_000
NOISE = 3 * (0.01 * 0.99 / EXPERIMENTS) ** 0.5
"""Three standard errors of a simulated error of 0.01."""


def test_p_values_are_scipys() -> None:
    draw = np.random.default_rng(1)
    base, own = draw.normal(1.0, 2.0, (4, 5)), draw.normal(0.4, 1.0, (4, 9))
    found = p_values(base, own, (3, 9), margin=0.25)
    for row, (one, two) in enumerate(zip(base, own, strict=True)):
        for place, n in enumerate((3, 9)):
            expected = stats.ttest_ind(one - 0.25, two[:n], equal_var=False, alternative="greater").pvalue
            assert found[row, place] == pytest.approx(expected)
    alone = p_values(None, own, (5,))
    assert alone[0, 0] == pytest.approx(stats.ttest_1samp(own[0, :5], 0.0, alternative="less").pvalue)


@pytest.mark.parametrize(("baseline", "ratio"), [(3, 2.0), (5, 0.5), (10, 1.0), (None, 1.0)])
def test_the_error_is_kept(baseline: int | None, ratio: float) -> None:
    made = design(LOOKS, 0.01, "obrien_fleming", baseline)
    draw = np.random.default_rng(99)
    base = None if baseline is None else ratio * draw.standard_normal((EXPERIMENTS, baseline))
    found = p_values(base, draw.standard_normal((EXPERIMENTS, 9)), LOOKS)
    assert (found < np.array(made.levels)).any(axis=1).mean() <= 0.01 + NOISE
    assert made.tightened <= 0.01


def test_levels_rise_from_look_to_look_where_late_ones_get_most() -> None:
    levels = design(LOOKS, 0.01, "obrien_fleming", 5).levels
    assert list(levels) == sorted(levels)
    assert levels[0] < 0.001 < levels[-1] < 0.01


def test_a_design_is_the_same_each_time() -> None:
    design.cache_clear()
    one = design((3, 6), 0.01, "pocock", 4)
    design.cache_clear()
    assert design((3, 6), 0.01, "pocock", 4) == one
    assert (one.level_at(6), one.level_at(4)) == (one.levels[1], None)


def test_a_look_at_one_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="two seeds in each arm"):
        design((1, 4), 0.01)
