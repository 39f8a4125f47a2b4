"""Decimals as a script printed them: which numbers they may stand for, exactly.

A printed decimal stands for every number within half a unit of its last place, and for no other. All here is exact
arithmetic on those intervals; judges nothing.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

DECIMAL = re.compile(r"([-+]?\d{1,18}(?:\.(\d{0,40}))?)(?:e([-+]?\d{1,2}))?", re.IGNORECASE)
DOUBLE = Fraction(1, 10**12)
"""Relative error that a script's own arithmetic in 64-bit floats may add to a ratio, with room to spare."""

Bounds = tuple[Fraction, Fraction]


def value_and_half_unit(text: str) -> tuple[Fraction, Fraction] | None:
    """A printed decimal and half a unit of its last place; None for what is none (nan, inf, an endless exponent)."""
    found = DECIMAL.fullmatch(text.strip())
    if found is None:
        return None
    scale = Fraction(10) ** int(found[3] or 0)
    return Fraction(found[1]) * scale, Fraction(1, 2 * 10 ** len(found[2] or "")) * scale


def places(text: str) -> int:
    """Digits after the point."""
    found = DECIMAL.fullmatch(text.strip())
    return len(found[2] or "") if found else 0


def same_printed(one: str, other: str) -> bool:
    """Whether two decimals may be one number, each to its own precision: equal where both have the same digits."""
    first, second = value_and_half_unit(one), value_and_half_unit(other)
    if first is None or second is None:
        return False
    if first[1] == second[1]:
        return first[0] == second[0]
    return abs(first[0] - second[0]) <= max(first[1], second[1])


def ratio_bounds(loss: str, bpb: str) -> tuple[float, float] | None:
    """Bytes per token that val_loss / (val_bpb ln 2) may stand for: least and greatest. None where they say nothing.

    A mean loss over targets is bpb * ln 2 * bytes / targets, whatever the model is.
    """
    first, second = value_and_half_unit(loss), value_and_half_unit(bpb)
    if first is None or second is None or first[0] <= 0 or second[0] - second[1] <= 0:
        return None
    least = max(Fraction(0), first[0] - first[1]) / (second[0] + second[1]) * (1 - DOUBLE)
    most = (first[0] + first[1]) / (second[0] - second[1]) * (1 + DOUBLE)
    return float(least) / math.log(2), float(most) / math.log(2)
