"""Bits that shaped steps and the trellis save at equal damage, from measured points, and what a script pays for them.

Damage falls as a power of the rate between two measured rates. Intervals: 95 % bootstrap over windows of text. The
code that a script needs more is charged twice: as the share that it has of the model which was measured, and as the
share that it has of one that fills the contest's cap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATES = (4.0, 5.0)
BASE = "golf today"
DRAWS = 400
FULL_WEIGHTS = 27_000_000
"""About what a full model of the contest has."""
PARTS = ("all", "healthy")


@dataclass(frozen=True)
class Point:
    """One model quantised in one way at one step."""

    seed: int
    method: str
    bits: float
    """Of the file, a weight."""
    saved: float
    """Predicted bits a weight."""
    kl: list[float]
    """Mean of each window, nats a token."""
    added: list[float]
    """Loss added, likewise."""
    part: str = "all"
    """Blocks that are quantised."""
    weights: int = 0
    """So many."""


@dataclass(frozen=True)
class Saved:
    """Bits a weight that a method saves, code left out, and the ends of the interval."""

    mean: float
    low: float
    high: float

    def share(self, bits: float, code_bits: float) -> float:
        """Of the bits that the base takes, with code charged."""
        return (self.mean - code_bits) / bits


def at_equal(points: Mapping[str, Sequence[tuple[float, float]]], method: str, bits: float) -> float:
    """Bits that a method saves where the base takes `bits`: damage falls as a power of the rate in between."""

    def line(name: str) -> tuple[float, float]:
        (first, low), (last, high) = sorted(points[name])[0], sorted(points[name])[-1]
        slope = (math.log2(high) - math.log2(low)) / (last - first)
        return slope, math.log2(low) - slope * first

    if any(damage <= 0 for name in (BASE, method) for _, damage in points[name]):
        return math.nan
    (slope, offset), (own_slope, own_offset) = line(BASE), line(method)
    if own_slope >= 0:
        return math.nan
    return bits - (slope * bits + offset - own_offset) / own_slope


def intervals(own: Sequence[Point], quantity: str, bits: float) -> dict[str, Saved]:
    """Saved bits of every method that was measured at both rates; points of one model and one part of it."""
    names = {point.method for point in own}
    names = {name for name in names if sum(point.method == name for point in own) >= len(RATES)}
    values: list[NDArray[np.float64]] = [np.array(getattr(point, quantity)) for point in own]
    generator = np.random.default_rng(own[0].seed)
    drawn: dict[str, list[float]] = {name: [] for name in names if BASE in names}
    for draw in range(1 + DRAWS):
        at = generator.integers(0, len(values[0]), len(values[0])) if draw else np.arange(len(values[0]))
        points: dict[str, list[tuple[float, float]]] = {}
        for point, value in zip(own, values, strict=True):
            points.setdefault(point.method, []).append((point.bits, float(value[at].mean())))
        for name, savings in drawn.items():
            savings.append(at_equal(points, name, bits))
    return {
        name: Saved(saved[0], float(np.nanquantile(saved[1:], 0.025)), float(np.nanquantile(saved[1:], 0.975)))
        for name, saved in drawn.items()
        if not math.isnan(saved[0])
    }


def report(found: Sequence[Point], methods: Sequence[str], code: Mapping[str, int]) -> None:
    """Print tables of what was saved; code: bytes of script that a method needs more, by its name."""
    for seed, part in sorted({(point.seed, point.part) for point in found}):
        own = [point for point in found if (point.seed, point.part) == (seed, part)]
        weights = max(point.weights for point in own)
        for quantity, title in (("kl", "KL"), ("added", "added loss")):
            print(f"\nmodel {seed}, {part} blocks, {weights:,} weights: bits saved at equal {title}, 95 % bootstrap")
            print(f"{'':14} {'':25} and of the bytes: no code, code of a full model, code of this one")
            tables = {bits: intervals(own, quantity, bits) for bits in RATES}
            for name in methods:
                cells = [
                    _cell(table[name], bits, code.get(name, 0), weights)
                    for bits, table in tables.items()
                    if name in table
                ]
                predicted = next((point.saved for point in own if point.method == name), 0.0)
                print(f"{name:14} {'   '.join(cells)}   predicted {predicted:.3f}")


def _cell(saved: Saved, bits: float, code: int, weights: int) -> str:
    shares = [100 * saved.share(bits, 8 * code / many) for many in (math.inf, FULL_WEIGHTS, max(weights, 1))]
    interval = f"{saved.mean:+.3f} [{saved.low:+.3f}, {saved.high:+.3f}]"
    return interval + "".join(f" {share:+5.1f}" for share in shares) + " %"
