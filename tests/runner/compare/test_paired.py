"""Pairs: the test, its model with the order, the correlation and what it saved, held against scipy's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from runner.compare.paired import nodes_of, order_model, paired_gain, saved_by, unpaired_gain
from runner.results.duels import DuelPair, Side
from runner.statistics import one_sample_power, welch_power

BASELINE = (1.0810, 1.0834, 1.0871, 1.0822, 1.0859, 1.0803)
CANDIDATE = (1.0792, 1.0821, 1.0850, 1.0809, 1.0837, 1.0788)
LOOSE = (1.0780, 1.0841, 1.0840, 1.0819, 1.0827, 1.0798)
"""Another candidate, which goes less along with the baseline."""
DIFFERENCES = np.subtract(BASELINE, CANDIDATE)
FIRST: tuple[Side, ...] = ("baseline", "candidate", "baseline", "candidate", "baseline", "candidate")


def pairs(
    baseline: tuple[float, ...] = BASELINE, candidate: tuple[float, ...] = CANDIDATE, nodes: str = "aaaabb"
) -> list[DuelPair]:
    return [
        DuelPair(
            number=number,
            seed=number,
            first=first,
            baseline_bpb=one,
            candidate_bpb=two,
            node=node,
            apart_seconds=2.0,
        )
        for number, (first, one, two, node) in enumerate(zip(FIRST, baseline, candidate, nodes, strict=True), start=1)
    ]


@pytest.mark.parametrize("margin", [0.0, 0.001])
def test_the_test_is_scipys_of_the_differences(margin: float) -> None:
    found = paired_gain(pairs(), margin)
    theirs = stats.ttest_1samp(DIFFERENCES, margin, alternative="greater")
    assert found is not None
    assert (found.t, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    low, high = stats.ttest_1samp(DIFFERENCES, 0.0).confidence_interval(0.95)
    assert (found.gain, found.df) == pytest.approx((0.0017, 5))
    assert (found.low, found.high) == pytest.approx((low, high))
    related = stats.ttest_rel(BASELINE, np.add(CANDIDATE, margin), alternative="greater")
    assert found.p == pytest.approx(related.pvalue)


def test_the_unpaired_test_of_the_same_scores_sees_less() -> None:
    found, theirs = unpaired_gain(pairs(), 0.0), stats.ttest_ind(BASELINE, CANDIDATE, equal_var=False)
    assert found is not None
    assert found.p == pytest.approx(theirs.pvalue / 2)
    assert found.p > 0.1


def test_the_order_is_fitted_as_scipy_fits_a_line() -> None:
    found = order_model(pairs(), 0.001)
    x = [0.5 if first == "baseline" else -0.5 for first in FIRST]
    line = stats.linregress(x, DIFFERENCES)
    assert found is not None
    assert (found.gain, found.later) == pytest.approx((line.intercept, -line.slope / 2))
    t = stats.t.ppf(0.975, 4)
    assert found.high - found.gain == pytest.approx(t * line.intercept_stderr)
    assert found.later_high - found.later == pytest.approx(t * line.stderr / 2)
    assert found.p == pytest.approx(stats.t.sf((line.intercept - 0.001) / line.intercept_stderr, 4))
    assert found.df == 4


def test_uneven_orders_are_fitted_as_well() -> None:
    few = pairs()[:5]
    found = order_model(few, 0.0)
    line = stats.linregress([0.5 if pair.first == "baseline" else -0.5 for pair in few], DIFFERENCES[:5])
    assert found is not None
    assert (found.gain, found.later) == pytest.approx((line.intercept, -line.slope / 2))
    assert found.high - found.gain == pytest.approx(stats.t.ppf(0.975, 3) * line.intercept_stderr)


def test_a_later_seed_that_scores_worse_by_two_thousandths_is_found_exactly() -> None:
    drift = [-0.002 if first == "baseline" else 0.002 for first in FIRST]
    wobble = (1e-5, -1e-5, -1e-5, 1e-5, 0.0, 0.0)
    candidate = tuple(one - 0.003 - add - w for one, add, w in zip(BASELINE, drift, wobble, strict=True))
    found = order_model(pairs(candidate=candidate), 0.0)
    assert found is not None
    assert (found.gain, found.later) == pytest.approx((0.003, 0.002))


def test_one_order_alone_tells_nothing_of_order() -> None:
    assert order_model([pair.model_copy(update={"first": "baseline"}) for pair in pairs()], 0.0) is None
    assert order_model(pairs()[:2], 0.0) is None


def test_the_correlation_has_fishers_interval() -> None:
    found = saved_by(pairs(), 0.01)
    theirs = stats.pearsonr(BASELINE, CANDIDATE)
    assert found is not None
    assert found.correlation == pytest.approx(theirs.statistic)
    interval = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_what_pairing_saved_is_the_least_number_of_equal_power() -> None:
    found = saved_by(pairs(candidate=LOOSE), 0.01)
    assert found is not None
    assert found.unpaired is not None
    assert found.unpaired > 6
    spread, theirs, ours = (float(np.std(x, ddof=1)) for x in (np.subtract(BASELINE, LOOSE), BASELINE, LOOSE))
    grid = np.linspace(0, 10 * spread, 4001)
    shown = next(float(gain) for gain in grid if one_sample_power(float(gain), spread, 6, 0.01) >= 0.8)
    enough = welch_power(shown, (theirs, ours), (found.unpaired, found.unpaired), 0.01)
    fewer = welch_power(shown, (theirs, ours), (found.unpaired - 1, found.unpaired - 1), 0.01)
    assert fewer < 0.8 + 1e-3
    assert enough >= 0.8 - 1e-3
    assert found.unpaired_low is not None
    assert found.unpaired_low < found.unpaired
    alike = saved_by(pairs(), 0.01)
    assert alike is not None
    assert (alike.unpaired, alike.unpaired_high) == (None, None)  # more than 200


def test_three_pairs_have_no_interval_of_their_correlation() -> None:
    found = saved_by(pairs()[:3], 0.01)
    assert found is not None
    assert (found.low, found.high, found.unpaired_low, found.unpaired_high) == (None, None, None, None)


def test_a_pair_that_is_left_out_counts_nowhere() -> None:
    odd = [*pairs(), pairs()[0].model_copy(update={"number": 7, "candidate_bpb": 2.0, "left_out": "two nodes"})]
    assert paired_gain(odd, 0.0) == paired_gain(pairs(), 0.0)
    assert saved_by(odd, 0.01) == saved_by(pairs(), 0.01)
    assert order_model(odd, 0.0) == order_model(pairs(), 0.0)


def test_nodes_stand_with_their_level_and_their_gain() -> None:
    one, two = nodes_of(pairs())
    assert (one.node, one.pairs, two.node, two.pairs) == ("a", 4, "b", 2)
    assert two.gain_bpb == pytest.approx((0.0022 + 0.0015) / 2)
    assert two.level_bpb == pytest.approx((1.0859 + 1.0803 + 1.0837 + 1.0788) / 4)


def test_what_cannot_be_tested_is_none() -> None:
    same = tuple(one - 0.001 for one in BASELINE)
    assert paired_gain(pairs()[:1], 0.0) is None
    assert paired_gain(pairs(candidate=same), 0.0) is None
    assert saved_by(pairs(candidate=same), 0.01) is None
    assert not math.isnan(unpaired_gain(pairs(candidate=same), 0.0).p)  # type: ignore[union-attr]
