"""How far a ranking by cheap trials holds for expensive ones: Kendall's tau, ratio of gains, how many to promote.

Pure. Scores are bits per byte, less is better; the first variant is the base against which gains are counted. Every
figure that is estimated from a handful of variants comes with its interval, or is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from runner.results.frozen import Frozen

FEWEST = 4
"""Variants without which nothing can be said of a ranking."""
DRAWS = 4000
KEEP = 0.9
"""How often the best is to be among those that are promoted."""
ENDS = (2.5, 97.5)
Array = Any


@dataclass(frozen=True)
class Pair:
    """A variant's scores at both budgets, one for each seed."""

    name: str
    cheap: tuple[float, ...]
    expensive: tuple[float, ...]


class RankedVariant(Frozen):
    """One variant, means over its seeds, bits per byte."""

    name: str
    cheap: float
    expensive: float
    cheap_rank: int
    expensive_rank: int
    cheap_gain: float
    """The base's mean minus this one's."""
    expensive_gain: float


class Ranking(Frozen):
    """What cheap scores say of expensive ones. None: cannot be told."""

    variants: list[RankedVariant]
    """The base first, as given."""
    tau: float | None
    """Kendall's tau-b between both rankings: 1 the same, 0 unrelated, -1 reversed."""
    tau_interval: tuple[float, float] | None
    """95 %, by resampling variants, and seeds within them; None where every draw gave the same."""
    tau_p: float | None
    """Chance that rankings which have nothing to do with each other agree as much, or disagree."""
    ratio: float | None
    """Cheap gain for one of an expensive run, least squares through the base."""
    ratio_interval: tuple[float, float] | None
    best_rank: int
    """Where the cheap scores put the variant that is best when it is expensive."""
    promote: int | None
    """Variants, of so many as here, that must be promoted to keep the best with 90 %."""
    resampled_seeds: bool
    """Whether seeds were resampled, too: every variant has several at both budgets."""


def ranking(pairs: Sequence[Pair]) -> Ranking:
    """Compare both rankings. ValueError for fewer than two variants, or one without scores."""
    if len(pairs) < 2 or not all(pair.cheap and pair.expensive for pair in pairs):
        raise ValueError("at least two variants with scores at both budgets")
    cheap = np.array([np.mean(pair.cheap) for pair in pairs])
    expensive = np.array([np.mean(pair.expensive) for pair in pairs])
    ranks = [np.argsort(np.argsort(side, kind="stable"), kind="stable") + 1 for side in (cheap, expensive)]
    variants = [
        RankedVariant(
            name=pair.name,
            cheap=float(cheap[index]),
            expensive=float(expensive[index]),
            cheap_rank=int(ranks[0][index]),
            expensive_rank=int(ranks[1][index]),
            cheap_gain=float(cheap[0] - cheap[index]),
            expensive_gain=float(expensive[0] - expensive[index]),
        )
        for index, pair in enumerate(pairs)
    ]
    seeds = all(len(pair.cheap) > 1 and len(pair.expensive) > 1 for pair in pairs)
    test = kendalltau(cheap, expensive)
    tau, tau_p = float(test.statistic), float(test.pvalue)
    enough = len(pairs) >= FEWEST
    drawn = _drawn(pairs, seeds) if enough else None
    return Ranking(
        variants=variants,
        tau=tau if np.isfinite(tau) else None,
        tau_interval=None if drawn is None else _tau_interval(*drawn),
        tau_p=tau_p if np.isfinite(tau_p) else None,
        ratio=_ratio(cheap[0] - cheap[1:], expensive[0] - expensive[1:]),
        ratio_interval=None if drawn is None else _ratio_interval(*drawn[:2]),
        best_rank=int(ranks[0][int(np.argmin(expensive))]),
        promote=_promote(cheap, expensive) if enough else None,
        resampled_seeds=seeds,
    )


def _drawn(pairs: Sequence[Pair], seeds: bool) -> tuple[Array, Array, Array]:
    """Means of both budgets, (DRAWS, variants), with seeds resampled where there are several; and variants resampled,
    (DRAWS, variants) indices."""
    random = np.random.default_rng(0)
    means = []
    for side in ("cheap", "expensive"):
        columns = []
        for pair in pairs:
            values = np.array(getattr(pair, side))
            picks = random.integers(0, len(values), (DRAWS, len(values)))
            columns.append(values[picks].mean(axis=1) if seeds else np.full(DRAWS, values.mean()))
        means.append(np.stack(columns, axis=1))
    chosen = random.integers(0, len(pairs), (DRAWS, len(pairs)))
    return means[0], means[1], chosen


def _tau_interval(cheap: Array, expensive: Array, chosen: Array) -> tuple[float, float] | None:
    x, y = np.take_along_axis(cheap, chosen, 1), np.take_along_axis(expensive, chosen, 1)
    dx, dy = (np.sign(side[:, :, None] - side[:, None, :]) for side in (x, y))
    both = np.sqrt((dx**2).sum((1, 2)) * (dy**2).sum((1, 2)))
    taus = (dx * dy).sum((1, 2))[both > 0] / both[both > 0]
    return _interval(taus)


def _ratio_interval(cheap: Array, expensive: Array) -> tuple[float, float] | None:
    """The base stays the base; the others are resampled, each as often."""
    count = cheap.shape[1]
    others = np.random.default_rng(2).integers(1, count, (DRAWS, count - 1))
    gains = [side[:, :1] - np.take_along_axis(side, others, 1) for side in (cheap, expensive)]
    below = (gains[1] ** 2).sum(1)
    return _interval((gains[0] * gains[1]).sum(1)[below > 0] / below[below > 0])


def _interval(values: Array) -> tuple[float, float] | None:
    if len(values) < DRAWS / 2:
        return None  # most draws had nothing to rank
    low, high = np.percentile(values, ENDS)
    return None if math.isclose(low, high, abs_tol=1e-12) else (float(low), float(high))


def _ratio(cheap: Array, expensive: Array) -> float | None:
    below = float((expensive**2).sum())
    return float((cheap * expensive).sum()) / below if below > 0 else None


def _promote(cheap: Array, expensive: Array) -> int | None:
    """Cheap scores drawn anew around the line that fits them best: how far down the best then stands in 9 of 10."""
    if np.ptp(expensive) == 0:
        return None
    slope, start = np.polyfit(expensive, cheap, 1)
    fit = start + slope * expensive
    spread = float(np.sqrt(((cheap - fit) ** 2).sum() / (len(cheap) - 2)))
    draws = fit + np.random.default_rng(1).normal(0.0, spread, (DRAWS, len(cheap)))
    best = int(np.argmin(expensive))
    ranks = (draws < draws[:, best : best + 1]).sum(1) + 1
    return int(np.ceil(np.percentile(ranks, 100 * KEEP, method="inverted_cdf")))
