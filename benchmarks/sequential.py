"""How often a sequential claim errs, what it shows, and how many seeds it takes, against a fixed number of seeds.

    python benchmarks/sequential.py

Simulated experiments, seeded: each is a baseline and up to nine seeds of a candidate, looked at from the third on by
the test that golf does. Errors are counted where the true gain is just the margin; the second table where it is more.
Its table stands in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from runner.sequential.boundaries import Spending
from runner.sequential.design import Design, design, p_values

EXPERIMENTS = 20_000
LOOKS = tuple(range(3, 10))
ALPHA = 0.01
Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]


def normal(draw: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return draw.standard_normal(shape)


def heavy(draw: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student's t with 5 degrees of freedom, scaled to a deviation of 1."""
    found: Floats = draw.standard_t(5, shape) * (3 / 5) ** 0.5
    return found


def drifting(draw: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """A pod whose speed comes and goes: half a deviation to either side, once in nine seeds, begun anywhere."""
    phase = draw.random((shape[0], 1))
    return draw.standard_normal(shape) + 0.5 * np.sin(2 * np.pi * (phase + np.arange(shape[1]) / LOOKS[-1]))


WORLDS: tuple[tuple[str, float, Draw], ...] = (
    ("normal", 1.0, normal),
    ("baseline scatters half as much", 0.5, normal),
    ("baseline scatters twice as much", 2.0, normal),
    ("heavy tails (t5)", 1.0, heavy),
    ("drifting pod", 1.0, drifting),
)


def experiments(
    baseline: int | None, ratio: float, world: Draw, gain: float, seed: int
) -> tuple[Floats | None, Floats]:
    draw = np.random.default_rng(seed)
    theirs = None if baseline is None else ratio * world(draw, (EXPERIMENTS, baseline))
    return theirs, world(draw, (EXPERIMENTS, LOOKS[-1])) - gain


def held(made: Design, baseline: int | None, ratio: float, world: Draw, gain: float = 0.0) -> tuple[float, float]:
    """Share of experiments in which the claim held, and mean seeds."""
    found = p_values(*experiments(baseline, ratio, world, gain, 11), LOOKS) < np.array(made.levels)
    first = np.where(found.any(axis=1), found.argmax(axis=1), len(LOOKS) - 1)
    return float(found.any(axis=1).mean()), float(np.array(LOOKS)[first].mean())


def fixed_power(baseline: int | None, gain: float, seeds: int) -> float:
    """What one test of so many seeds shows."""
    draw = np.random.default_rng(12)
    theirs = None if baseline is None else draw.standard_normal((EXPERIMENTS, baseline))
    own = draw.standard_normal((EXPERIMENTS, seeds)) - gain
    return float((p_values(theirs, own, (seeds,)) < ALPHA).mean())


def gain_for(baseline: int | None, seeds: int, power: float) -> float:
    """The gain, in deviations, that one test of so many seeds shows with that power."""
    low, high = 0.0, 20.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if fixed_power(baseline, middle, seeds) < power else (low, middle)
    return high


def main() -> None:
    console = Console(width=150)
    table = Table(title=f"errors of {EXPERIMENTS:,} experiments at the margin, alpha {ALPHA:g}")
    for head in ("design", "baseline seeds", *(name for name, _, _ in WORLDS)):
        table.add_column(head)
    kinds: tuple[Spending, ...] = ("obrien_fleming", "pocock")
    counts: tuple[int | None, ...] = (3, 5, 10, None)
    for kind in kinds:
        for baseline in counts:
            made = design(LOOKS, ALPHA, kind, baseline)
            errors = [held(made, baseline, ratio, world)[0] for _, ratio, world in WORLDS]
            table.add_row(
                kind, "a number" if baseline is None else str(baseline), *(f"{error:.4f}" for error in errors)
            )
    console.print(table)
    planned = (
        "planned as one test of 9 seeds with a power of 0.8; the true gain is as large as planned, and 1.5 times"
    )
    table = Table(title=planned)
    for head in ("design", "baseline seeds", "power", "seeds", "power at 1.5", "seeds at 1.5", "fewer than 9"):
        table.add_column(head)
    for kind in kinds:
        for baseline in counts[1:]:
            made, gain = design(LOOKS, ALPHA, kind, baseline), gain_for(baseline, LOOKS[-1], 0.8)
            (power, seeds), (more, fewer) = (held(made, baseline, 1.0, normal, times * gain) for times in (1.0, 1.5))
            row = (f"{power:.2f}", f"{seeds:.1f}", f"{more:.2f}", f"{fewer:.1f}", f"{1 - fewer / LOOKS[-1]:.0%}")
            table.add_row(kind, "a number" if baseline is None else str(baseline), *row)
    console.print(table)


if __name__ == "__main__":
    main()
