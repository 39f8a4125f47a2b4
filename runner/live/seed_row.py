"""One seed's line on the screen of `golf run`, and the table that these lines make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from runner.logs.log_facts import BPB

HEADS = ("seed", "state", "step", "loss", BPB, "train clock", "", "")


@dataclass(slots=True)
class Row:
    """One seed's line."""

    state: str = "waiting"
    step: str = ""
    loss: str = ""
    bpb: str = ""
    clock: str = ""
    used: str = ""
    """A bar: the training clock against its limit."""
    note: str = ""
    warm_up: str = ""
    """How far the steps before the clock are, in the place of `state`."""
    printed: float = 0.0
    heard: tuple[str, int, bool] = ("", 0, False)
    """Phase, number of events and whether a step was logged, of which `state` tells."""

    @property
    def said(self) -> str:
        """The state for people."""
        return self.warm_up or self.state

    def cells(self) -> tuple[str, ...]:
        return self.said, self.step, self.loss, self.bpb, self.clock, self.used, self.note


def table_of(rows: Mapping[int, Row]) -> Table:
    """A line a seed."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in HEADS:
        table.add_column(title, justify="left" if title in ("state", "") else "right", no_wrap=True)
    for seed, row in rows.items():
        table.add_row(str(seed), *(Text(cell) for cell in row.cells()))
    return table
