"""Cells of a table per seed, where a clock may be an interval: shown as one, never as its end.

Where both ends look alike in the digits that are shown, one number stands for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.numbers import MISSING, NOT_DEFINED, cell, fixed, known
from reports.tables import CLOCKS, figure


def seed_cell(row: Mapping[Any, Any], column: str, digits: int, bound: float | None = None) -> str:
    """One seed's number in the columns of the seed table; never rounded across its bound where it has one."""
    if column not in CLOCKS:
        return cell(row.get(column), digits, bound)
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    return between(cell(low, digits, bound), cell(high, digits, bound))


def mean_cell(summary: pd.DataFrame, column: str, digits: int) -> str:
    """The mean over the seeds; of intervals the interval of their means."""
    if column not in CLOCKS:
        return fixed(figure(summary, "mean", column), digits)
    return between(*(fixed(figure(summary, "mean", f"{column}_{end}"), digits) for end in ("low", "high")))


def std_cell(summary: pd.DataFrame, column: str, digits: int) -> str:
    """The sample standard deviation over the seeds; not defined where what spreads is not known exactly."""
    std, n = figure(summary, "std", column), figure(summary, "n", column)
    if column in CLOCKS and n < figure(summary, "n", f"{column}_high"):
        return NOT_DEFINED
    if known(std) is None:
        return MISSING if n == 0 else NOT_DEFINED
    return fixed(std, digits)


def between(low: str, high: str) -> str:
    """`1.96 to 2.06`, or one number where both are the same."""
    return low if low == high else f"{low} to {high}"
