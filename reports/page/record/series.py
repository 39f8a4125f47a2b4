"""How seeds and phases look in every picture, and numbers that a picture can take.

Colour never stands alone: lines differ in their dashes, bars in their patterns, and names stand beside both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reports.page.section import Cell

COLOURS = 8
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "pentagon")
PATTERNS = ("", "/", ".", "x", "\\", "-", "+", "|")
LARGEST = 1e15
"""What is beyond is no measurement; a log may print any number."""
MOST_ROWS = 200
UNKNOWN = "unknown"


def colour(index: int) -> str:
    """The palette's colour of a series."""
    return f"@{index % COLOURS + 1}"


def line(index: int) -> dict[str, Any]:
    """plotly's `line` of a series."""
    return {"color": colour(index), "dash": DASHES[index % len(DASHES)], "width": 1.8}


def pattern(index: int) -> dict[str, Any]:
    """plotly's `marker` of a bar."""
    return {
        "color": colour(index),
        "pattern": hatch(PATTERNS[index % len(PATTERNS)]),
        "line": {"color": "@back", "width": 1},
    }


def hatch(shape: str) -> dict[str, Any]:
    """plotly's `pattern`: drawn over the colour, so that the colour stays."""
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "@back", "fgopacity": 0.7, "solidity": 0.2, "size": 7}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title, which names the unit."""
    return {"title": {"text": title}, **more}


def drawable(value: object) -> float | None:
    """A finite number of a size that is one, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) < LARGEST else None


def shortened(rows: Sequence[Sequence[str | Cell]], where: str = "results.csv") -> list[Sequence[str | Cell]]:
    """The rows of a table; of very many the first ones, and a last row that says where the others are."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    more = f"and {len(rows) - MOST_ROWS:,} more: {where}"
    return [*rows[:MOST_ROWS], [more, *("" for _ in rows[0][1:])]]


def thinned(count: int, most: int) -> list[int]:
    """Indices of at most `most` of `count` items, evenly taken, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(index * (count - 1) / (most - 1)) for index in range(most)] if most > 1 else [count - 1]
