"""What a sequential claim is expected to take: seeds, and the probability to stop at each look, for an assumed gain.

By normal theory: deviations are taken as known, and p of a t test as that of its z. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runner.sequential.boundaries import REACH, crossing
from runner.sequential.design import Design
from runner.sequential.look import FUTILE, conditional_power


@dataclass(frozen=True)
class Expected:
    """Of one design, at one true gain and deviation."""

    holds: tuple[float, ...]
    """Probability to stop at each look because the claim holds."""
    given_up: tuple[float, ...]
    """Probability to stop at each look because it is out of reach; 0 at the last."""
    seeds: float
    """Expected number."""

    @property
    def power(self) -> float:
        """Probability that the claim is shown."""
        return sum(self.holds)


def expected(design: Design, excess: float, claimed: float, stds: tuple[float, float]) -> Expected:
    """excess: true gain beyond the margin; claimed: the one that the claim was made for; stds: of a baseline's seed
    (0 against a number) and a candidate's; all in bits per byte. ValueError without a deviation.
    """
    from scipy import special

    theirs, own = stds
    if own <= 0:
        raise ValueError("without a deviation nothing is expected")

    def information(seeds: int) -> float:
        return 1 / (own**2 / seeds + (theirs**2 / design.baseline if design.baseline else 0.0))

    levels = [information(seeds) for seeds in design.looks]
    bounds = [-float(special.ndtri(level)) for level in design.levels]
    lower = [_futile_below(design, seeds, claimed, information) for seeds in design.looks[:-1]]
    holds, given_up = crossing(bounds, levels, excess, [*lower, -REACH])
    given_up = (*given_up[:-1], 0.0)
    seeds = sum(
        count * (up + down) for count, up, down in zip(design.looks[:-1], holds[:-1], given_up[:-1], strict=True)
    )
    rest = 1 - sum(holds[:-1]) - sum(given_up[:-1])
    return Expected(holds, given_up, seeds + rest * design.looks[-1])


def _futile_below(design: Design, seeds: int, claimed: float, information: Callable[[int], float]) -> float:
    """The z below which a look gives up."""
    from scipy import optimize, special

    def over(z: float) -> float:
        return conditional_power(design, float(special.ndtr(-z)), seeds, claimed, information) - FUTILE

    if over(-REACH) > 0:
        return -REACH
    return float(optimize.brentq(over, -REACH, REACH, xtol=1e-4)) if over(REACH) > 0 else REACH
