"""One look at the seeds so far: does the claim hold, is it out of reach, or do more seeds run?

Out of reach is judged by the conditional power: the probability that a later look will still find the claim to
hold, if the true gain is the claimed one, given what was seen. It binds nothing: who goes on after it keeps the
error. p and interval of a stopped claim are stage-wise: what stopped earlier is more extreme than what stopped
later. Pure. Sources: K. K. G. Lan, R. Simon and M. Halperin, Sequential Analysis 1 (1982), conditional power; A. A.
Tsiatis, G. L. Rosner and C. R. Mehta, Biometrics 40 (1984), the stage-wise interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from runner.results.comparisons import Look, StageWise
from runner.sequential.boundaries import Walk, crossing
from runner.sequential.design import Design
from runner.statistics import GainTest, describe

WIDEST = 200.0
"""Standard errors within which an interval's ends are sought: t with two degrees of freedom has its end at 4.3."""
LEAST_P = 1e-300
"""A p of nothing, as a float has it, is no z."""
FUTILE = 0.1
"""Conditional power below which seeds are not worth their cost."""


def look(
    design: Design, test: GainTest, candidate: Sequence[float], baseline: Sequence[float], excess: float
) -> Look:
    """What the seeds so far say. excess: the claimed gain beyond the margin, bits per byte."""
    seeds = len(candidate)
    level = design.level_at(seeds)
    if level is None:
        raise ValueError(f"the design has no look at {seeds} seeds")
    last = seeds == design.looks[-1]
    chance = None if last else conditional_power(design, test.p, seeds, excess, _information(candidate, baseline))
    holds = test.p < level
    futile = not holds and chance is not None and chance < FUTILE
    return Look(
        seeds=seeds,
        p=test.p,
        level=level,
        conditional_power=None if holds else chance,
        decision="holds" if holds else "futile" if futile else "not shown" if last else "go on",
    )


def _information(candidate: Sequence[float], baseline: Sequence[float]) -> Callable[[int], float]:
    """Information of the gain (1 / bpb²) at a number of the candidate's seeds, by the deviations seen so far."""
    own, theirs = describe(candidate), describe(baseline) if baseline else None
    error = 0.0 if theirs is None else (theirs.standard_error or 0.0) ** 2
    return lambda seeds: 1 / ((own.std or 0.0) ** 2 / seeds + error)


def conditional_power(
    design: Design, p: float, seeds: int, excess: float, information: Callable[[int], float]
) -> float:
    """Probability that a later look finds the claim to hold, were the true gain `excess` beyond the margin."""
    from scipy import special

    later = [(n, level) for n, level in zip(design.looks, design.levels, strict=True) if n > seeds]
    now = information(seeds)
    state = Walk.at(-float(special.ndtri(max(p, LEAST_P))) * math.sqrt(now), now, excess)
    reached = 0.0
    for n, level in later:
        bound = -float(special.ndtri(level))
        reached += state.beyond(bound, information(n))
        state = state.after(bound, information(n))
    return min(1.0, reached)


def stage_wise(
    design: Design, test: GainTest, candidate: Sequence[float], baseline: Sequence[float], confidence: float
) -> StageWise:
    """p and interval of the gain at the look at which it ended, in the order of stages."""
    from scipy import optimize, special

    information = _information(candidate, baseline)
    looks = [n for n in design.looks if n <= len(candidate)]
    levels = [information(n) for n in looks]
    earlier = [-float(special.ndtri(level)) for level in design.levels[: len(looks) - 1]]
    error = 1 / math.sqrt(levels[-1])

    def extreme(gain: float) -> float:
        """Probability of what was seen, or of more, were this the true gain: seen from there, earlier bounds move."""
        t = (test.gain - gain) / error
        last = -float(special.ndtri(max(float(special.stdtr(test.df, -t)), LEAST_P)))
        moved = [
            bound - (gain - test.margin) * math.sqrt(level) for bound, level in zip(earlier, levels[:-1], strict=True)
        ]
        return sum(crossing([*moved, last], levels)[0])

    def gain_at(share: float) -> float:
        reach = WIDEST * error
        return float(optimize.brentq(lambda gain: extreme(gain) - share, test.gain - reach, test.gain + reach))

    return StageWise(
        p=extreme(test.margin),
        low=gain_at((1 - confidence) / 2),
        high=gain_at((1 + confidence) / 2),
        middle=gain_at(0.5),
    )
