"""The table of a job's variants as text, cell by cell, for pages and terminals alike."""

from __future__ import annotations

import math

from reports.numbers import MISSING, count, fixed, mean_and_std, signed, spread_digits
from runner.results.variants import VariantRow, VariantTable

HEADS = {
    "variant": "variant",
    "score": "bpb, mean ± std (seeds)",
    "delta": "delta to base",
    "p": "p (Holm)",
    "bytes": "bytes",
    "headroom": "headroom",
    "step": "ms/step",
    "hours": "hours",
    "cost": "cost",
    "published": "published",
    "verdict": "verdict",
}
"""Column -> its head. Deltas are this variant's score minus the base's over seeds that both have."""
NUMERIC = ("score", "delta", "p", "bytes", "headroom", "step", "hours", "cost", "published")


def columns_of(table: VariantTable) -> list[str]:
    """The columns that this table has something in."""
    published = any(row.reference_bpb is not None or row.reference_bytes is not None for row in table.rows)
    priced = any(row.dollars is not None for row in table.rows)
    absent = {*(() if published else ("published",)), *(() if priced else ("cost",))}
    return [name for name in HEADS if name not in absent]


def cells(row: VariantRow, base: str, *, ends: bool = False) -> dict[str, str]:
    """Every cell of one row. ends: an interval by its two ends instead of half of it to each side."""
    expected = "about " if row.state == "infeasible" and row.bytes_total is not None else ""
    return {
        "variant": f"{row.name} (base)" if row.name == base else row.name,
        "score": f"{mean_and_std(row.mean, row.std)} ({len(row.seeds)})" if row.mean is not None else MISSING,
        "delta": delta(row, ends=ends),
        "p": p_value(row.p_holm),
        "bytes": f"{expected}{count(row.bytes_total)}" if row.bytes_total is not None else MISSING,
        "headroom": f"{row.headroom_bytes:,}" if row.headroom_bytes is not None else MISSING,
        "step": fixed(row.step_ms, 1),
        "hours": fixed(row.hours, 3),
        "cost": MISSING if row.dollars is None else f"${row.dollars:,.2f}",
        "published": published(row),
        "verdict": row.verdict or row.state,
    }


def delta(row: VariantRow, *, ends: bool = False) -> str:
    """The difference to the base with its interval; of one pair the difference alone."""
    if row.delta is None:
        return MISSING
    if row.low is None or row.high is None:
        return f"{signed(row.delta, 4)} ({row.pairs} {'pair' if row.pairs == 1 else 'pairs'})"
    half = (row.high - row.low) / 2
    digits = min(6, spread_digits(half / 2))
    if ends:
        return f"{signed(row.delta, digits)} [{signed(row.low, digits)}, {signed(row.high, digits)}]"
    return f"{signed(row.delta, digits)} ± {fixed(half, digits)}"


def p_value(p: float | None) -> str:
    """A p, never rounded to nothing."""
    if p is None:
        return MISSING
    return f"{p:.{min(9, max(3, math.ceil(-math.log10(max(p, 1e-9)))))}f}"


def published(row: VariantRow) -> str:
    """What the published run had."""
    size = None if row.reference_bytes is None else f"{row.reference_bytes:,} B"
    score = None if row.reference_bpb is None else f"{row.reference_bpb:.4f}"
    return " / ".join(part for part in (score, size) if part) or MISSING
