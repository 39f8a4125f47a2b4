"""Pairs of seeds that two jobs ran one right after the other on one node: does the candidate beat the baseline?

The test is Student's on the pairs' differences. Whatever a node, or an hour, adds to both scores of a pair is not in
their difference. The order within a pair is a covariate of a small linear model beside the test, which decides
nothing. Pure; why pairs do not count, and where they come from, is the room `duel`'s.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from runner.compare.compare import POLICIES, Policy, scaled
from runner.results.duels import DuelNode, DuelPair, OrderModel, Saved
from runner.statistics import (
    CONFIDENCE,
    WANTED_POWER,
    GainTest,
    one_sample,
    one_sample_power,
    seeds_per_arm,
    t_quantile,
    welch,
)

FEWEST_FOR_INTERVAL = 4
"""Pairs without which a correlation has no interval: Fisher's z has the standard error 1 / sqrt(n - 3)."""
FISHER = 1.959963984540054
"""Of the normal distribution, 97.5 %."""
LEAST_SPREAD = 1e-12
"""Differences that differ by less, relatively to the scores, are the same."""


def counting(pairs: Sequence[DuelPair]) -> list[tuple[DuelPair, float, float]]:
    """The pairs that count, with the scores of baseline and candidate."""
    return [
        (pair, pair.baseline_bpb, pair.candidate_bpb)
        for pair in pairs
        if not pair.left_out and pair.baseline_bpb is not None and pair.candidate_bpb is not None
    ]


def paired_gain(pairs: Sequence[DuelPair], margin: float) -> GainTest | None:
    """The one-sided test that the gain is more than `margin` (bpb); None below two pairs, or without a spread."""
    known = counting(pairs)
    differences = [one - two for _, one, two in known]
    if len(known) < 2 or not _scatter(differences, [one for _, one, _ in known]):
        return None
    return one_sample([-difference for difference in differences], 0.0, margin)


def unpaired_gain(pairs: Sequence[DuelPair], margin: float) -> GainTest | None:
    """Welch's test of the same scores; None below two of each, or without a spread."""
    known = counting(pairs)
    ours, theirs = [two for _, _, two in known], [one for _, one, _ in known]
    if len(known) < 2 or not (_scatter(ours, ours) or _scatter(theirs, theirs)):
        return None
    return welch(theirs, ours, margin)


def _scatter(values: Sequence[float], scale: Sequence[float]) -> bool:
    return max(values) - min(values) > LEAST_SPREAD * max(map(abs, scale))


def order_model(pairs: Sequence[DuelPair], margin: float) -> OrderModel | None:
    """Gain and order by least squares; None below three pairs, with one order alone, or without a spread."""
    from scipy import special

    known = counting(pairs)
    by_order = {
        side: [one - two for pair, one, two in known if pair.first == side] for side in ("baseline", "candidate")
    }
    early, late = by_order["baseline"], by_order["candidate"]
    if len(known) < 3 or not early or not late:
        return None
    means = statistics.fmean(early), statistics.fmean(late)
    rest = sum((value - means[0]) ** 2 for value in early) + sum((value - means[1]) ** 2 for value in late)
    df = len(known) - 2
    # With a covariate of two values the fit is the mean of each; constant and slope follow from the two.
    variance = rest / df * (1 / len(early) + 1 / len(late))
    if math.sqrt(variance) <= LEAST_SPREAD * max(abs(one) for _, one, _ in known):
        return None
    gain, later, error = sum(means) / 2, (means[1] - means[0]) / 2, math.sqrt(variance) / 2
    half = t_quantile(df) * error
    return OrderModel(
        gain=gain,
        low=gain - half,
        high=gain + half,
        p=float(special.stdtr(df, -(gain - margin) / error)),
        later=later,
        later_low=later - half,
        later_high=later + half,
        df=df,
    )


def nodes_of(pairs: Sequence[DuelPair]) -> list[DuelNode]:
    """The nodes on which pairs ran that count, in the order of their first."""
    known = counting(pairs)
    found = []
    for node in dict.fromkeys(pair.node for pair, _, _ in known):
        there = [(one, two) for pair, one, two in known if pair.node == node]
        found.append(
            DuelNode(
                node=node,
                pairs=len(there),
                level_bpb=statistics.fmean([score for both in there for score in both]),
                gain_bpb=statistics.fmean([one - two for one, two in there]),
            )
        )
    return found


def deviations(pairs: Sequence[DuelPair]) -> tuple[float, float, float] | None:
    """Sample deviations of the differences, of the baseline and of the candidate; None below two pairs."""
    known = counting(pairs)
    if len(known) < 2:
        return None
    ours, theirs = [two for _, _, two in known], [one for _, one, _ in known]
    differences = [one - two for one, two in zip(theirs, ours, strict=True)]
    return statistics.stdev(differences), statistics.stdev(theirs), statistics.stdev(ours)


def saved_by(pairs: Sequence[DuelPair], alpha: float) -> Saved | None:
    """The correlation, and what it saved; None below three pairs, or where an arm or the differences do not scatter.

    Power is taken at the gain that these pairs show with a probability of 0.8: for other gains the answer differs by
    the degrees of freedom alone.
    """
    known, found = counting(pairs), deviations(pairs)
    if len(known) < 3 or found is None:
        return None
    difference, theirs, ours = found
    if min(theirs, ours, difference) <= LEAST_SPREAD * max(abs(one) for _, one, _ in known):
        return None
    r = statistics.correlation([one for _, one, _ in known], [two for _, _, two in known])
    low = high = None
    if len(known) >= FEWEST_FOR_INTERVAL:
        middle, half = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, r))), FISHER / math.sqrt(len(known) - 3)
        low, high = math.tanh(middle - half), math.tanh(middle + half)
    needs = partial(_unpaired_seeds, len(known), theirs, ours, alpha)
    return Saved(
        correlation=r,
        low=low,
        high=high,
        unpaired=needs(difference),
        unpaired_low=None if low is None else needs(_at(low, theirs, ours)),
        unpaired_high=None if high is None else needs(_at(high, theirs, ours)),
    )


def measured(pairs: Sequence[DuelPair], rule: Policy, constant: float | None) -> dict[str, Any]:
    """Every field of a `Duel` that follows from its pairs. constant: nats/token per bit per byte, where known."""
    margin = None if constant is None and rule.margin_nats else rule.margin_nats / (constant or 1.0)
    test = None if margin is None else paired_gain(pairs, margin)
    found = deviations(pairs)
    return {
        "policy": next(name for name, one in POLICIES.items() if one == rule),
        "margin_nats": rule.margin_nats,
        "alpha": rule.alpha,
        "nats_per_bpb": constant,
        "confidence_percent": round(100 * CONFIDENCE),
        "pairs": list(pairs),
        "test": test,
        "any_gain": paired_gain(pairs, 0.0),
        "test_nats": None if test is None or constant is None else scaled(test, constant),
        "unpaired": None if margin is None else unpaired_gain(pairs, margin),
        "std_difference": None if found is None else found[0],
        "std_baseline": None if found is None else found[1],
        "std_candidate": None if found is None else found[2],
        "order": None if margin is None else order_model(pairs, margin),
        "nodes": nodes_of(pairs),
        "saved": saved_by(pairs, rule.alpha),
    }


def decided(
    test: GainTest | None, obstacles: Sequence[str], alpha: float
) -> Literal["holds", "not shown", "undecided"]:
    """The outcome of a duel."""
    if obstacles or test is None:
        return "undecided"
    return "holds" if test.p < alpha else "not shown"


def _at(correlation: float, one: float, two: float) -> float:
    """Deviation of the difference of two scores that correlate so."""
    return math.sqrt(max(0.0, one**2 + two**2 - 2 * correlation * one * two))


def _unpaired_seeds(pairs: int, theirs: float, ours: float, alpha: float, difference: float) -> int | None:
    """Seeds in each arm with which Welch's test has the power of so many pairs; None for more than MOST_SEEDS."""
    from scipy import optimize

    if difference <= LEAST_SPREAD * max(theirs, ours):
        return None

    def lacking(excess: float) -> float:
        """In deviations of the difference."""
        return one_sample_power(excess, 1.0, pairs, alpha) - WANTED_POWER

    top = 1.0
    while lacking(top) < 0 and top < 1e4:
        top *= 2
    shown = float(optimize.brentq(lacking, 0.0, top, xtol=1e-9)) * difference
    return seeds_per_arm(shown, (theirs, ours), alpha)
