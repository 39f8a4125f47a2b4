"""Which seeds are shown, in which order, and as many columns as the screen has room for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from runner.live.words import DASH
from runner.top.cells import COLUMNS, RUN_HEADS, Column, run_cells, sort_key
from runner.top.views import RunView, SeedView

MOST_ROWS = 500
"""Seeds that have a row; of more, those that run come first."""
PADDING = 2
"""Columns that a table puts around each cell."""
LEAST_NOTE = 20
"""Columns for which a note is worth showing; the rest of it is cut."""
SPARED_FIRST = ("node", "cost", "curve", "size", "step", "run")
"""What a narrow screen goes without, in this order; a number is left out, never cut off."""
TIGHT_BEFORE = "size"
"""Before this is spared, every cell is made as short as can be."""
RUNS_SPARED_FIRST = ("", "in all", "spent", "it is")

Row = tuple[RunView, SeedView]


@dataclass(frozen=True)
class Wanted:
    """Which seeds are shown, and in which order."""

    words: str = ""
    """All of them stand in the seed's run, state, node or number."""
    only_running: bool = False
    sort: str = ""
    """Name of a column; '' for the order of runs and registration."""
    backwards: bool = False


def chosen(runs: Sequence[RunView], wanted: Wanted) -> list[Row]:
    """The seeds that are wanted, in their order; what is not known comes last in either direction."""
    words = wanted.words.casefold().split()
    found = [
        (run, seed)
        for run in runs
        for seed in run.seeds
        if (not wanted.only_running or seed.runs or seed.waits) and all(word in _text(run, seed) for word in words)
    ]
    column = next((column for column in COLUMNS if column.name == wanted.sort), None)
    if column is None:
        return found[::-1] if wanted.backwards else found
    known = [(sort_key(column, run, seed), (run, seed)) for run, seed in found]
    ordered = sorted((one for one in known if not one[0][0]), key=lambda one: one[0], reverse=wanted.backwards)
    return [row for _, row in [*ordered, *(one for one in known if one[0][0])]]


def _text(run: RunView, seed: SeedView) -> str:
    """What the words of a filter are looked for in."""
    return f"{run.run} {run.state} {seed.seed} {seed.state} {seed.node or ''}".casefold()


Table = tuple[list[tuple[str, bool]], list[tuple[str, list[Text]]]]
"""Heads, each with whether its cells stand right, and rows: key and cells."""


def seed_rows(rows: Sequence[Row], width: int, wanted: Wanted) -> Table:
    """The seeds as a screen of `width` columns shows them."""
    columns, sort, short = _telling(rows), wanted.sort, 0
    if _width(columns, rows, sort, 0) > width:
        short = 1
    for spared in SPARED_FIRST:
        if _width(columns, rows, sort, short) <= width:
            break
        if spared == TIGHT_BEFORE and _width(columns, rows, sort, short := 2) <= width:
            break
        columns = [column for column in columns if column.name != spared]
    room = width - _width(columns, rows, sort, short)
    has_note = any(column.name == "note" for column in columns)
    if has_note and room < LEAST_NOTE:
        columns = [column for column in columns if column.name != "note"]
    heads = [(f"{column.title(short)}{_mark(column.name, wanted)}", column.right) for column in columns]
    cells = [(f"{run.run}/{seed.seed}", [column.cell(run, seed, short) for column in columns]) for run, seed in rows]
    if has_note and room >= LEAST_NOTE:
        for _, row in cells:
            row[-1].truncate(room - PADDING, overflow="ellipsis")
    return heads, cells


def _telling(rows: Sequence[Row]) -> list[Column]:
    """Columns that say something: without the run of one run alone, notes and curves that there are none of, and
    costs and nodes that are not known of any."""
    silent = {"run"} if len({run.run for run, _ in rows}) == 1 else set()
    for column in COLUMNS:
        if column.name in ("curve", "note", "cost", "node") and all(
            column.cell(run, seed, 1).plain in ("", DASH) for run, seed in rows
        ):
            silent.add(column.name)
    return [column for column in COLUMNS if column.name not in silent]


def _width(columns: Sequence[Column], rows: Sequence[Row], sort: str, short: int) -> int:
    """Columns of the screen that they take, a note left out."""
    wide = 0
    for column in columns:
        if column.name != "note":
            head = cell_len(column.title(short)) + (2 if column.name == sort else 0)
            wide += PADDING + max([head, *(column.cell(*row, short).cell_len for row in rows)])
    return wide


def _mark(name: str, wanted: Wanted) -> str:
    """An arrow at the column that seeds are sorted by."""
    if name != wanted.sort:
        return ""
    return " ▼" if wanted.backwards else " ▲"


def run_rows(runs: Sequence[RunView], width: int) -> Table:
    """The runs as a screen of `width` columns shows them."""
    cells = {run.run: dict(zip(RUN_HEADS, run_cells(run), strict=True)) for run in runs}
    heads = [head for head in RUN_HEADS if any(row[head].plain not in ("", DASH) for row in cells.values())]
    for spared in RUNS_SPARED_FIRST:
        wide = sum(PADDING + max([cell_len(head), *(row[head].cell_len for row in cells.values())]) for head in heads)
        if wide <= width:
            break
        heads = [head for head in heads if head != spared]
    return [(head, False) for head in heads], [(name, [row[head] for head in heads]) for name, row in cells.items()]
