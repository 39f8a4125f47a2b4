"""Variants of a job beside each other, and sweeps: what was tried, as their own records and journals say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.numbers import MISSING, count, fixed, signed
from reports.page.section import Cell, Picture, Section, Table, Words
from reports.sections.variants import meaning
from reports.variant_cells import HEADS, NUMERIC, cells, columns_of
from runner.results.record import RecordData
from runner.results.variants import VariantTable
from runner.search.sweeps.facts import SweepFacts


def tables_of(records: Sequence[RecordData]) -> list[VariantTable]:
    """The tables of variants that records hold, each once."""
    found: list[VariantTable] = []
    for data in records:
        if data.variant_table is not None and data.variant_table not in found:
            found.append(data.variant_table)
    return found


def variants_section(tables: Sequence[VariantTable]) -> Section | None:
    """Each job's variants: their differences to the base with intervals, and all cells."""
    if not tables:
        return None
    parts: list[Words | Picture | Table] = []
    for table in tables:
        parts.append(Words(f"{table.job}: base {table.base}. {meaning(table.confidence_percent)}"))
        drawn = differences(table)
        parts += [variant_table(table)] if drawn is None else [drawn]
    return Section("variants", "Variants", tuple(parts))


def variant_table(table: VariantTable) -> Table:
    """Every variant."""
    columns = columns_of(table)
    rows = []
    for row in table.rows:
        told = cells(row, table.base, ends=True)
        rows.append([told[name] for name in columns])
    heads = {**HEADS, "delta": f"delta to base [{table.confidence_percent} %]"}
    align = "".join("r" if name in NUMERIC else "l" for name in columns)
    return Table([heads[name] for name in columns], align, rows, table.job)


def differences(table: VariantTable) -> Picture | None:
    """Differences to the base as points with intervals; None where no variant has an interval."""
    rows = [
        (row.name, row.delta, row.low, row.high)
        for row in table.rows
        if row.delta is not None and row.low is not None and row.high is not None
    ]
    if not rows:
        return None
    names = [name for name, _, _, _ in rows]
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": [delta for _, delta, _, _ in rows],
        "y": list(range(len(rows))),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - delta for _, delta, _, high in rows],
            "arrayminus": [delta - low for _, delta, low, _ in rows],
            "color": "@1",
        },
        "marker": {"color": "@1", "size": 9},
        "text": [
            f"{name}\n{signed(delta, 5)} bpb [{signed(low, 5)}, {signed(high, 5)}]" for name, delta, low, high in rows
        ],
        "hovertemplate": "%{text}",
    }
    percent = table.confidence_percent
    layout = {
        "xaxis": {"title": {"text": f"bits per byte minus the base's, {percent} % interval; left is better"}},
        "yaxis": {
            "tickvals": list(range(len(rows))),
            "ticktext": names,
            "range": [len(rows) - 0.5, -0.5],
            "title": {"text": "variant"},
        },
        "shapes": [
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": 0,
                "x1": 0,
                "y0": 0,
                "y1": 1,
                "line": {"color": "@muted", "width": 1.5, "dash": "dash"},
            }
        ],
    }
    return Picture(
        {"data": [trace], "layout": layout},
        variant_table(table),
        f"Differences of {len(rows)} variants of {table.job} to the base {table.base} with their intervals.",
        title=f"{table.job}: difference to {table.base}",
        height=110 + 34 * len(rows),
    )


STATES = {
    "scored": ("@1", "circle"),
    "infeasible": ("@open", "triangle-up"),
    "pruned": ("@muted", "square-open"),
    "failed": ("@bad", "x"),
    "running": ("@7", "diamond-open"),
}


def sweeps_section(sweeps: Sequence[SweepFacts]) -> Section | None:
    """Each sweep's trials in their order, and what its best reached on fresh seeds."""
    if not sweeps:
        return None
    parts: list[Words | Picture | Table] = [
        Words(
            "A score in a sweep chose the trial that has it, and is no record's; fresh seeds say what is left of it."
        )
    ]
    for facts in sweeps:
        parts.append(Words(sweep_line(facts)))
        drawn = trials_picture(facts)
        parts.append(trials_table(facts) if drawn is None else drawn)
    return Section("sweeps", "Sweeps", tuple(parts))


def sweep_line(facts: SweepFacts) -> str:
    """How a sweep stands, in one line."""
    best, curse = facts.best, facts.curse
    lives = {True: "running", False: "ended", None: "not known whether it runs"}[facts.lives]
    told = f"{facts.name}: {len(facts.trials):,} trials, {lives}"
    if best is not None:
        told += f"; best trial {best.number} with {fixed(best.bpb, 4)} bpb"
    if curse is not None:
        told += f"; on fresh seeds {signed(curse, 4)} bpb"
    return told + "."


def trials_table(facts: SweepFacts) -> Table:
    """Every trial."""
    rows: list[list[str | Cell]] = [
        [
            Cell(str(trial.number), trial.number),
            trial.state,
            Cell(fixed(trial.bpb, 4), trial.bpb),
            Cell(count(trial.total_bytes), trial.total_bytes),
            ", ".join(f"{path.rpartition('.')[2]} {_value(value)}" for path, value in trial.params.items())
            or MISSING,
            trial.reason or "",
        ]
        for trial in facts.trials
    ]
    heads = ("trial", "state", "bpb", "bytes", "fields", "reason")
    return Table(heads, "rlrrll", rows, facts.name, sortable=True)


def _value(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def trials_picture(facts: SweepFacts) -> Picture | None:
    """Scores over trials; those that do not count look otherwise. None where no trial has a score."""
    traces: list[dict[str, Any]] = []
    for state, (colour, symbol) in STATES.items():
        own = [trial for trial in facts.trials if trial.state == state and trial.bpb is not None]
        if own:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": state,
                    "x": [trial.number for trial in own],
                    "y": [trial.bpb for trial in own],
                    "marker": {"color": colour, "symbol": symbol, "size": 8},
                    "text": [f"trial {trial.number}, {state}\n{fixed(trial.bpb, 4)} bpb" for trial in own],
                    "hovertemplate": "%{text}",
                }
            )
    if not traces:
        return None
    layout = {
        "xaxis": {"title": {"text": "trial (number)"}},
        "yaxis": {"title": {"text": "bits per byte, lower is better"}},
    }
    label = f"Bits per byte of the trials of {facts.name}, in the order in which they were started."
    return Picture({"data": traces, "layout": layout}, trials_table(facts), label, title=f"{facts.name}: trials")
