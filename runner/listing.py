"""Many seeds in few words: what a sentence says of three seeds must stay readable of a thousand.

Shortens what people read; the values themselves stay whole where they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

MOST = 20
"""As many things are written out one by one."""
SHOWN = 10
"""As many of more than that."""

Item = TypeVar("Item")


def listed(seeds: Iterable[int]) -> str:
    """`1, 2, 5`; of many, neighbours are folded (`1 to 1000`), and what is still too much is counted."""
    numbers = list(seeds)
    if len(numbers) <= MOST:
        return ", ".join(map(str, numbers))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [str(first) if first == last else f"{first} to {last}" for first, last in runs]
    if len(words) <= MOST:
        return ", ".join(words)
    rest = sum(last - first + 1 for first, last in runs[SHOWN:])
    return ", ".join(words[:SHOWN]) + f" and {rest:,} more"


def counted(number: int, noun: str) -> str:
    """`1 seed`, `1,000 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def few(items: Sequence[Item]) -> Sequence[Item]:
    """All of a few, the first of many."""
    return items if len(items) <= MOST else items[:SHOWN]


def some(texts: Sequence[str], between: str = "; ") -> str:
    """All of a few texts; of many, the first and how many more there are."""
    if len(texts) <= MOST:
        return between.join(texts)
    return between.join([*texts[:SHOWN], f"and {len(texts) - SHOWN:,} more"])
