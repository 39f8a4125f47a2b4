"""`golf top` where nobody looks at a screen: one table, or one every so often, as plain lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.top.cells import COLUMNS, run_cells
from runner.top.views import RunView

OF_RUN = (1, 3, 5)
"""Of a run's cells (runner.top.cells.RUN_HEADS) what stands before its seeds: what it is, time left, cost in all."""


def table_of(runs: Sequence[RunView]) -> Table:
    """A row a seed; what is said of the run stands in its first one."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("run", "it is", "left", "in all"):
        table.add_column(title, no_wrap=True)
    for column in COLUMNS[1:]:
        table.add_column(column.head, justify="right" if column.right else "left", no_wrap=True)
    for run in runs:
        cells = run_cells(run)
        head = [cells[0], *(cells[index] for index in OF_RUN)]
        if run.problem or not run.seeds:
            why = cells[-1] if run.problem else Text("no seed is registered")
            table.add_row(*head, *[""] * (len(COLUMNS) - 2), why)
        for seed in run.seeds:
            table.add_row(*head, *(column.cell(run, seed, 0) for column in COLUMNS[1:]))
            head = [Text()] * len(head)
    return table


def lines_of(runs: Sequence[RunView], name: str) -> str:
    """The table as text, as wide as it is. name: of the place, for where there is no run."""
    if not runs:
        return f"no run under {name}\n"
    table = table_of(runs)
    console = Console(width=1000, color_system=None, force_terminal=False)
    console = Console(width=console.measure(table).maximum, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def repeated(
    look: Callable[[], Sequence[RunView]], write: Callable[[str], object], name: str, wait: Callable[[], object]
) -> None:
    """The table again and again until nothing runs or waits any more."""
    while True:
        runs = look()
        write(lines_of(runs, name))
        if not any(seed.runs or seed.waits for run in runs for seed in run.seeds):
            return
        wait()
        write("\n")
