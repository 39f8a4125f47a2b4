"""How numbers are written for people: exact where they decide something, a dash where nothing was measured."""

from __future__ import annotations

import math

MISSING = "–"
"""Shown where nothing was measured."""
NOT_DEFINED = "n/a"
"""Shown for a standard deviation of fewer than two values."""


def known(value: object) -> float | None:
    """`value` as a finite float, or None where it is missing (None, NaN, pandas' NA) or not finite."""
    if not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def count(value: object) -> str:
    """A whole number with thousands separated; a mean is rounded."""
    if isinstance(value, int):
        return f"{value:,}"
    number = known(value)
    return MISSING if number is None else f"{round(number):,}"


def fixed(value: object, digits: int) -> str:
    """A number with `digits` decimals; nothing that is left of a negative one has no sign."""
    number = known(value)
    return MISSING if number is None else f"{round(number, digits) + 0.0:,.{digits}f}"


def beside(value: object, bound: float, digits: int = 2) -> str:
    """Like `fixed`, with as many more decimals as it takes to stand on the same side of `bound`."""
    number = known(value)
    if number is None:
        return MISSING
    for more in range(digits, 10):
        if (round(number, more) <= bound) == (number <= bound):
            return fixed(number, more)
    return repr(number)


def cell(value: object, digits: int, bound: float | None = None) -> str:
    """One number of a table: whole for no `digits`, and never rounded across its bound where it has one."""
    if bound is not None:
        return beside(value, bound, digits)
    return count(value) if digits == 0 else fixed(value, digits)


def signed(value: object, digits: int) -> str:
    """A difference with its sign, `+0.0000` where nothing is left of it."""
    number = known(value)
    return MISSING if number is None else f"{round(number, digits) + 0.0:+,.{digits}f}"


def spread_digits(std: object) -> int:
    """Decimals of a bpb that show two digits of its standard deviation: 4 to 8."""
    number = known(std)
    if number is None or number == 0 or number >= 0.001:
        return 4
    return min(8, 1 - math.floor(math.log10(number)))


def mean_and_std(mean: object, std: object) -> str:
    """`1.7103 ± 0.0043`, or `1.7103 ± n/a` for a single value."""
    digits = spread_digits(std)
    if known(mean) is None:
        return MISSING
    return f"{fixed(mean, digits)} ± {NOT_DEFINED if known(std) is None else fixed(std, digits)}"
