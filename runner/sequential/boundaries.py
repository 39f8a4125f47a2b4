"""Boundaries of a group-sequential test: how much of the error each look may spend, and the z that spends it.

Looks are told by their information I_k, the inverse variance of the difference that is seen at look k. Z_k has mean
theta * sqrt(I_k), and Z_j, Z_k correlate as sqrt(I_j / I_k): true of any difference of means that only grows by new
values, with a baseline of fixed size too. Pure. Sources: K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983),
spending; P. Armitage, C. K. McPherson and B. C. Rowe, J. R. Statist. Soc. A 132 (1969), the recursion over looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Spending = Literal["obrien_fleming", "pocock"]
NODES = 128
"""Gauss-Legendre points for each look's integral; the reference values come out to 1e-6 with 64."""
REACH = 8.0
"""Standard deviations beyond which a normal density is nothing: 6e-16."""


@dataclass(frozen=True)
class Bound:
    """Of one look: what it may spend and from which z on it stops."""

    fraction: float
    """Of the last look's information."""
    spent: float
    """Probability under the null hypothesis to stop here and not before."""
    z: float
    """The claim holds from here on; infinite where there is nothing to spend."""


def spending(kind: Spending, alpha: float, fraction: float) -> float:
    """One-sided error that may be spent up to a share of the information, of `alpha` in all."""
    from scipy import special

    share = min(1.0, fraction)
    if kind == "pocock":
        return alpha * math.log1p((math.e - 1) * share)
    return float(2 * special.ndtr(special.ndtri(alpha / 2) / math.sqrt(share)))


def boundaries(kind: Spending, alpha: float, information: Sequence[float]) -> tuple[Bound, ...]:
    """The looks of a test with one-sided error `alpha`. ValueError where information does not grow."""
    from scipy import optimize, special

    if not information or min(information) <= 0 or any(later <= earlier for earlier, later in pairwise(information)):
        raise ValueError("information grows from look to look")
    looks: list[Bound] = []
    state = Walk()
    before = 0.0
    for level in information:
        fraction = level / information[-1]
        spent = spending(kind, alpha, fraction)
        share = spent - before
        first = -float(special.ndtri(share)) if share > 0 else math.inf
        if looks and share > 0:
            first = float(optimize.brentq(partial(_excess, state, level, share), -REACH, REACH + 1, xtol=1e-12))
        looks.append(Bound(fraction, share, first))
        state = state.after(first, level)
        before = spent
    return tuple(looks)


def _excess(state: Walk, level: float, share: float, z: float) -> float:
    return state.beyond(z, level) - share


def crossing(
    bounds: Sequence[float], information: Sequence[float], theta: float = 0.0, give_up: Sequence[float] | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Probability to stop at each look by the upper bound, and by the lower one.

    bounds, give_up: z of each look; theta: true difference, in the unit whose variance is 1 / information.
    """
    state, up, down = Walk(theta), [], []
    lower = give_up or [-math.inf] * len(bounds)
    for high, low, level in zip(bounds, lower, information, strict=True):
        up.append(state.beyond(high, level))
        down.append(state.below(low, level))
        state = state.after(high, level, low)
    return tuple(up), tuple(down)


class Walk:
    """Where the score Z sqrt(I) may be after the looks so far, as weighted points."""

    def __init__(
        self, theta: float = 0.0, level: float = 0.0, points: NDArray[np.float64] | None = None, mass: float = 1.0
    ) -> None:
        self.theta, self.level = theta, level
        self.points = np.zeros(1) if points is None else points
        self.weights: NDArray[np.float64] = np.full(self.points.shape, mass)

    @classmethod
    def at(cls, score: float, level: float, theta: float = 0.0) -> Walk:
        """One that stands at a score Z sqrt(I) which was seen."""
        return cls(theta, level, np.array([score]))

    def _standard(self, z: float, level: float) -> NDArray[np.float64]:
        """`z` at `level`, as seen from each point, in steps' standard deviations."""
        step = level - self.level
        found: NDArray[np.float64] = (z * math.sqrt(level) - self.points - self.theta * step) / math.sqrt(step)
        return found

    def beyond(self, z: float, level: float) -> float:
        """Probability to be here still and then at or over `z`."""
        from scipy import special

        return float(self.weights @ special.ndtr(-self._standard(z, level)))

    def below(self, z: float, level: float) -> float:
        """Probability to be here still and then under `z`."""
        from scipy import special

        return float(self.weights @ special.ndtr(self._standard(z, level)))

    def after(self, high: float, level: float, low: float = -math.inf) -> Walk:
        """The walk that goes on between two bounds."""
        root, mean = math.sqrt(level), self.theta * level
        top = min(high * root, mean + REACH * root)
        bottom = max(low * root, mean - REACH * root)
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        walk = Walk(self.theta, level, bottom + (nodes + 1) * max(0.0, top - bottom) / 2)
        step = level - self.level
        away = (walk.points[:, None] - self.points[None, :] - self.theta * step) / math.sqrt(step)
        density = np.exp(-(away**2) / 2) @ self.weights / math.sqrt(2 * math.pi * step)
        walk.weights = density * weights * max(0.0, top - bottom) / 2
        return walk


def information_of(candidates: Iterator[int] | Sequence[int], baseline: int | None) -> tuple[float, ...]:
    """Information at each number of seeds, of equal deviation 1; baseline: its seeds, None against a number."""
    return tuple(1 / (1 / n + (1 / baseline if baseline else 0.0)) for n in candidates)
