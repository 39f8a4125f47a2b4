"""The design of a sequential claim: at which numbers of seeds one looks, and what p ends the matter at each look.

Levels are those of the boundaries for normal scores (boundaries.py), carried over to Welch's or Student's t as
nominal p. With few seeds that errs more often than `alpha` says, most where the two arms scatter unequally; so the
levels are tightened until simulated experiments, with deviations up to SPREAD apart, err in no more than `alpha` of
all. The simulation is seeded: one design has one set of levels. Source of the carrying over: S. J. Pocock,
Biometrika 64 (1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from runner.sequential.boundaries import Spending, boundaries, information_of

SPREAD = 2.0
"""Times by which one arm's deviation may exceed the other's for the error to be kept."""
EXPERIMENTS = 100_000
"""Simulated ones for each ratio: an error of 0.01 is known to 0.0003."""
SEED = 27
HALVINGS = 7
"""Of the interval in which the tightened alpha is sought: it ends within 1 %."""


@dataclass(frozen=True)
class Design:
    """When to look, and what counts at each look."""

    looks: tuple[int, ...]
    """Candidate's seeds at each."""
    levels: tuple[float, ...]
    """One-sided p below which the claim holds, at each."""
    alpha: float
    """One-sided error in all."""
    tightened: float
    """What the boundaries were made for instead, so that the error is kept with so few seeds."""
    spending: Spending
    baseline: int | None
    """Its seeds; None against a number."""

    def level_at(self, seeds: int) -> float | None:
        """What p must be below with so many seeds; None where there is no look."""
        return dict(zip(self.looks, self.levels, strict=True)).get(seeds)


@cache
def design(
    looks: tuple[int, ...], alpha: float, spending: Spending = "obrien_fleming", baseline: int | None = None
) -> Design:
    """The design with these looks. ValueError where a look has fewer than two seeds, or looks do not grow."""
    if min(looks) < 2 or (baseline is not None and baseline < 2):
        raise ValueError("a look takes two seeds in each arm")
    simulated = [_p_values(looks, baseline, ratio) for ratio in _ratios(baseline)]

    def levels_of(tried: float) -> NDArray[np.float64]:
        from scipy import special

        bounds = boundaries(spending, tried, information_of(looks, baseline))
        return np.array([special.ndtr(-look.z) for look in bounds])

    def error(tried: float) -> float:
        levels = levels_of(tried)
        return max(float((values < levels).any(axis=1).mean()) for values in simulated)

    tightened = alpha
    if error(alpha) > alpha:
        low, high = alpha / 16, alpha
        for _ in range(HALVINGS):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if error(middle) > alpha else (middle, high)
        tightened = low
    return Design(looks, tuple(float(level) for level in levels_of(tightened)), alpha, tightened, spending, baseline)


def _ratios(baseline: int | None) -> Sequence[float]:
    """Baseline's deviation over the candidate's."""
    return (1.0,) if baseline is None else (1 / SPREAD, 1.0, SPREAD)


def _p_values(looks: tuple[int, ...], baseline: int | None, ratio: float) -> NDArray[np.float64]:
    """One-sided p at each look of experiments in which the true gain is just the margin: [EXPERIMENTS, looks]."""
    draw = np.random.default_rng(SEED)
    candidate = draw.standard_normal((EXPERIMENTS, looks[-1]))
    base = None if baseline is None else ratio * draw.standard_normal((EXPERIMENTS, baseline))
    return p_values(base, candidate, looks)


def p_values(
    baseline: NDArray[np.float64] | None, candidate: NDArray[np.float64], looks: Sequence[int], margin: float = 0.0
) -> NDArray[np.float64]:
    """One-sided p of many experiments at once, [experiments, looks]: Welch's, or Student's against 0.

    baseline: [experiments, its seeds]; candidate: [experiments, seeds in their order]; a lower score is better.
    """
    from scipy import special

    found = np.empty((len(candidate), len(looks)))
    theirs = 0.0 if baseline is None else baseline.mean(axis=1)
    error = 0.0 if baseline is None else baseline.var(axis=1, ddof=1) / baseline.shape[1]
    for place, n in enumerate(looks):
        seen = candidate[:, :n]
        own = seen.var(axis=1, ddof=1) / n
        squared = own**2 / (n - 1) + (0.0 if baseline is None else error**2 / (baseline.shape[1] - 1))
        df = (own + error) ** 2 / squared
        found[:, place] = special.stdtr(df, -(theirs - seen.mean(axis=1) - margin) / np.sqrt(own + error))
    return found
