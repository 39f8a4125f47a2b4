"""What a person sees while seeds run: one row a seed, live on a terminal, plain lines everywhere else.

Shows what the scripts' logs say as it comes in; measured values are the record's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from runner.collect import Collector
from runner.results import RunResult

LINE_EVERY_S = 10.0


@dataclass
class Row:
    """One seed's line."""

    state: str = "waiting"
    step: str = ""
    loss: str = ""
    bpb: str = ""
    clock: str = ""
    note: str = ""
    printed: float = 0.0

    def cells(self) -> tuple[str, ...]:
        return self.state, self.step, self.loss, self.bpb, self.clock, self.note


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else ""


class Progress:
    """A context in which `update` redraws a table (terminal) or prints a line now and then (anything else)."""

    def __init__(
        self, console: Console, seeds: list[int], train_limit: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console
        self.rows = {seed: Row() for seed in seeds}
        self.train_limit = train_limit
        self.clock = clock
        self.live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self.table)

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def table(self) -> Table:
        """The rows as they stand."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("seed", "state", "step", "loss", "bpb", "train clock", ""):
            table.add_column(title, justify="left" if title in ("state", "") else "right", no_wrap=True)
        for seed, row in self.rows.items():
            table.add_row(str(seed), *(Text(cell) for cell in row.cells()))
        return table

    def update(self, seed: int, collector: Collector) -> None:
        """Show where a running attempt stands."""
        row = self.rows[seed]
        facts = collector.readers["train"].facts
        before = row.state
        row.state, row.note = self._state(collector), ""
        row.step = str(facts.get("steps", ""))
        loss = facts.get("train_loss")
        row.loss = _number(loss, 4)
        bpb = facts.get("live_val_bpb")
        row.bpb = _number(bpb, 4)
        if "train_seconds" in facts:
            row.clock = f"{facts['train_seconds']:.1f} / {self.train_limit:g} s"
        self._line(seed, row, important=row.state != before)

    def _state(self, collector: Collector) -> str:
        happened = {name for phase, name, _ in collector.events if phase == collector.phase}
        if collector.phase == "eval":
            return "scoring" if "eval_start" in happened else "fresh process"
        for event, state in (
            ("artifact_frozen", "checking artifact"),
            ("train_end", "packing"),
            ("train_start", "training"),
            ("warmup_start", "warming up"),
        ):
            if event in happened:
                return state
        return "starting"

    def finished(self, seed: int, result: RunResult) -> None:
        """Show how an attempt ended."""
        note = result.reason.splitlines()[0] if result.reason else ""
        self._line(seed, self._settle(seed, result, note), important=True)

    def kept(self, seed: int, result: RunResult) -> None:
        """Show a seed that an earlier run finished; the caller has said so in words."""
        self._settle(seed, result, "kept from an earlier run")

    def say(self, line: str) -> None:
        """A line that belongs to no seed."""
        self.console.print(line, markup=False, highlight=False)

    def _settle(self, seed: int, result: RunResult, note: str) -> Row:
        row = self.rows[seed]
        row.state, row.note = result.status, note
        if result.final_score is not None:
            row.bpb = f"{result.final_score.val_bpb:.4f}"
            row.loss = f"{result.final_score.val_loss:.4f}"
        return row

    def _line(self, seed: int, row: Row, *, important: bool) -> None:
        if self.console.is_terminal:
            return
        now = self.clock()
        if not important and now - row.printed < LINE_EVERY_S:
            return
        row.printed = now
        named = (("step", row.step), ("loss", row.loss), ("bpb", row.bpb), ("clock", row.clock), ("", row.note))
        text = "  ".join(f"{name} {value}".strip() for name, value in named if value)
        self.console.print(f"seed {seed}: {row.state}  {text}".rstrip(), markup=False, highlight=False)
