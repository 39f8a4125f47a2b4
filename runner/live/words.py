"""Small pictures and few words for a screen: a bar, a curve of one line, how long still, how many dollars. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runner.live.outlook import Outlook, Span

LEVELS = "▁▂▃▄▅▆▇█"
FULL, EMPTY = "█", "░"
DASH = "–"
"""Stands for what is not known."""


def sparkline(values: Sequence[float], width: int = 12) -> str:
    """The last values as a line of blocks, the least at the bottom; logarithmic where all are positive.

    Of more values than columns, evenly taken ones. '' for fewer than two.
    """
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return ""
    if len(known) > width:
        known = [known[round(index * (len(known) - 1) / (width - 1))] for index in range(width)]
    scaled = [math.log(value) for value in known] if min(known) > 0 else known
    low, high = min(scaled), max(scaled)
    if high <= low:
        return LEVELS[0] * len(scaled)
    return "".join(LEVELS[round((value - low) / (high - low) * (len(LEVELS) - 1))] for value in scaled)


def bar(value: float | None, limit: float | None, width: int = 8) -> str:
    """How much of a limit is used, `███░░░░░`; '' where that is not known. Over it, all is full."""
    if value is None or limit is None or limit <= 0 or not math.isfinite(value):
        return ""
    full = min(width, max(0, math.floor(width * value / limit)))
    return FULL * full + EMPTY * (width - full)


def time_told(seconds: float) -> str:
    """`34 s`, `12 min`, `1.5 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def between(span: Span, told: tuple[str, str]) -> str:
    """An interval in words. told: its ends."""
    low, high = told
    if low == high:
        return f"about {high}"
    if span[0] <= 0:
        return f"up to {high}"
    unit = high.rpartition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def left_told(look: Outlook | None) -> str:
    """`about 4 min`, `1 to 4 min`; – where it is not known."""
    if look is None or look.left is None:
        return DASH
    return between(look.left, (time_told(look.left[0]), time_told(look.left[1])))


def dollars(amount: float | None, *, at_least: bool = False) -> str:
    """`$0.40`; – where it is not known."""
    return DASH if amount is None else f"{'at least ' if at_least else ''}${amount:,.2f}"


def total_told(look: Outlook | None) -> str:
    """`about $1.20`, `$0.80 to $1.20`; – where it is not known."""
    if look is None or look.total is None:
        return DASH
    low, high = look.total
    told = between((low, high), (f"${low:,.2f}", f"${high:,.2f}"))
    return f"at least {told}" if look.at_least else told


def outlook_words(look: Outlook) -> str:
    """`1 to 4 min left; $0.40 spent, about $1.20 in all`; what is not known is left out."""
    parts = [f"{left_told(look)} left"] if look.left is not None else []
    if look.spent is not None:
        parts.append(f"{dollars(look.spent, at_least=look.at_least)} spent, {total_told(look)} in all")
    return "; ".join(parts)
