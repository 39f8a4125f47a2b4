"""Numbers as people print them: a value and how many decimals were shown, so that rounding is not taken for a lie."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,18})(?:\.\d{1,20})?(?:[eE][-+]?\d{1,3})?")
LARGEST = 1e18
"""No figure of a run is that large."""
WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}


class Shown(float):
    """A number with the decimals and the place it was printed with."""

    digits: int
    where: str

    def __new__(cls, text: str | float, where: str = "") -> Shown:
        plain = str(text).replace(",", "").replace("_", "")
        shown = super().__new__(cls, plain)
        mantissa, _, exponent = plain.lower().partition("e")
        fraction = mantissa.partition(".")[2]
        # Zeros that pad a number to more than four decimals say nothing of its precision.
        fraction = fraction[:4] + fraction[4:].rstrip("0")
        decimals = len(fraction) - int(exponent or 0)
        shown.digits = min(max(decimals, 0), 15)
        shown.where = where
        return shown

    def at(self, where: str) -> Shown:
        """The same number, printed elsewhere."""
        moved = float.__new__(Shown, float(self))
        moved.digits, moved.where = self.digits, where
        return moved

    def stands_for(self, exact: float, *, loose: bool = False) -> bool:
        """Whether this can be a printed form of `exact`; `loose` lets the last decimal be one off."""
        step = 10.0**-self.digits
        slack = 0.5 * step if loose and self.digits >= 3 else 0.0  # fewer decimals are not off by one
        return abs(self - exact) <= 0.501 * step + slack + 1e-9


def says(claimed: Shown, exact: float, digits: int, *, loose: bool = False) -> bool:
    """Whether a claim can stand for `exact`, which logs print with `digits` decimals: neither can be held to more."""
    return claimed.stands_for(exact, loose=loose) or (
        claimed.digits >= digits >= 3 and abs(claimed - exact) <= 0.501 * 10.0**-digits
    )


def says_mean(claimed: Shown, values: Sequence[float], digits: int) -> bool:
    """Whether a claim can stand for the mean of `values`, or for the mean of them rounded first."""
    if says(claimed, statistics.fmean(values), digits):
        return True
    return any(
        claimed.digits > places
        and abs(claimed - statistics.fmean(round(value, places) for value in values))
        < 0.6 * 10.0 ** -min(claimed.digits, 8)
        for places in (3, 4, 5, 6)
    )


def number_in(value: object, where: str = "") -> Shown | None:
    """The number that a JSON value is or begins with (`"15,990,398 bytes"`); None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    number: Shown | None = None
    if isinstance(value, Shown):
        number = value.at(where)
    elif isinstance(value, (int, float)):
        number = Shown(value, where) if abs(value) < LARGEST else None
    elif isinstance(value, str):
        match = NUMBER.match(value.strip()[:60].lstrip("~≈ "))
        number = Shown(match[0], where) if match else None
    return number if number is not None and abs(number) < LARGEST else None


def spread(values: Iterable[float], *, sample: bool) -> float | None:
    """Standard deviation of `values`, of the sample or of the population; None below two."""
    numbers = list(values)
    return None if len(numbers) < 2 else statistics.stdev(numbers) if sample else statistics.pstdev(numbers)
