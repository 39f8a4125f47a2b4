"""What `golf run` of a job with variants ends with, and `golf report --variants` shows: one table."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from reports.markdown import one_line
from reports.variant_cells import HEADS, NUMERIC, cells, columns_of
from runner.results.variants import VariantTable

STYLES = {"passed": "green", "rejected": "bold red", "unverified": "yellow", "repacked": "cyan", "infeasible": "red"}
SPARED_FIRST = ("hours", "step", "cost", "published", "headroom", "p", "bytes")
"""What a narrow terminal goes without, in this order: a number is left out, never cut off."""
SHORT = {"score": "bpb (seeds)", "delta": "delta ± 95 %"}
"""Heads as a terminal has room for."""


@dataclass(frozen=True)
class VariantRows:
    """The table with as many columns as the terminal has room for."""

    table: VariantTable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = columns_of(self.table)
        for name in SPARED_FIRST:
            wide = console.measure(_drawn(self.table, columns), options=options.update(width=1000)).maximum
            if wide <= options.max_width:
                break
            columns = [column for column in columns if column != name]
        yield _drawn(self.table, columns)


def terminal_variants(table: VariantTable) -> RenderableType:
    """The table, and why a variant is not in it."""
    parts: list[RenderableType] = [
        Text.assemble((one_line(table.job), "bold"), f": {len(table.rows)} variants, seeds paired with the base's"),
        Text(),
        VariantRows(table),
    ]
    parts += [
        Text(f"{one_line(row.name)}: {row.state}, {one_line(row.reason)}", "red")
        for row in table.rows
        if row.state in ("infeasible", "not run") and row.reason
    ]
    if any(row.state == "repacked" for row in table.rows):
        told = "repacked: packed from kept weights, off the clock, and so never a record of a timed track"
        parts.append(Text(told, "dim"))
    if any(row.delta is not None and row.p is None for row in table.rows):
        parts.append(Text("An interval and p take two seeds or more with a spread: give --seeds.", "dim"))
    return Group(*parts)


def _drawn(found: VariantTable, columns: list[str]) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        numeric = name in NUMERIC
        head = Text(SHORT.get(name, HEADS[name]))
        drawn.add_column(head, justify="right" if numeric else "left", no_wrap=True)
    for row in found.rows:
        told = cells(row, found.base)
        drawn.add_row(
            *(Text(told[name], STYLES.get(told[name], "") if name == "verdict" else "") for name in columns)
        )
    return drawn
