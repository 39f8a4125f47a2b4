"""What a person sees while seeds run: one row a seed, live on a terminal, plain lines everywhere else.

Of more seeds than a screen holds (MOST_ROWS): one line that counts them all, the rows of some that run, and a line
for each that ends badly. Rows are filled in when they are shown, so that what a message costs does not depend on the
number of seeds.
Shows what the scripts' logs say as it comes in; measured values are the record's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from runner.drive.collect import Collector
from runner.drive.seed_counts import SeedCounts
from runner.listing import listed
from runner.logs.log_facts import BPB, live_bpb_told, warm_up_told
from runner.results import RunResult

LINE_EVERY_S = 10.0
MOST_ROWS = 40
"""As many seeds have a row or lines of their own."""
CROWD_ROWS = 12
"""Rows shown of more."""


@dataclass(slots=True)
class Row:
    """One seed's line."""

    state: str = "waiting"
    step: str = ""
    loss: str = ""
    bpb: str = ""
    clock: str = ""
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
        return self.said, self.step, self.loss, self.bpb, self.clock, self.note


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else ""


class Progress:
    """A context in which `update` redraws a table (terminal) or prints a line now and then (anything else)."""

    def __init__(
        self, console: Console, seeds: list[int], train_limit: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console
        self.rows = {seed: Row() for seed in seeds}
        self.running: dict[int, Collector] = {}
        """Seeds that run, in the order of their start."""
        self.crowd = len(seeds) > MOST_ROWS
        self.counts = SeedCounts(len(seeds), clock())
        self.told = clock()
        self.train_limit = train_limit
        self.clock = clock
        self.live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self.table)

    def opening(self) -> None:
        """Say how many of many seeds are kept and how many wait."""
        if self.crowd:
            self.say(self.counts.line(self.clock()))

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.live.stop()
        if self.crowd:
            self.say(self.counts.line(self.clock()))

    def table(self) -> RenderableType:
        """The rows as they stand; called by a thread that draws, while messages come in."""
        running = list(self.running.items())
        for seed, collector in running[:MOST_ROWS]:
            self._fill(self.rows[seed], collector)
        if not self.crowd:
            return self._rows(self.rows)
        room = max(3, min(CROWD_ROWS, self.console.height - 6))
        shown = {seed: self.rows[seed] for seed, _ in running[:room]}
        more = f"and {len(running) - len(shown):,} more that run" if len(running) > len(shown) else ""
        return Group(Text(self.counts.line(self.clock())), self._rows(shown), Text(more, "dim"))

    def _rows(self, rows: Mapping[int, Row]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("seed", "state", "step", "loss", BPB, "train clock", ""):
            table.add_column(title, justify="left" if title in ("state", "") else "right", no_wrap=True)
        for seed, row in rows.items():
            table.add_row(str(seed), *(Text(cell) for cell in row.cells()))
        return table

    def update(self, seed: int, collector: Collector) -> None:
        """Show where a running attempt stands."""
        row = self.rows[seed]
        heard = collector.phase, len(collector.events), "steps" in collector.readers["train"].facts
        changed = heard != row.heard or seed not in self.running
        if changed:
            before, row.heard = row.state, heard
            kept = collector.spec.trained
            row.state = self._state(collector)
            row.note = "" if kept is None else f"the artifact of attempt {kept.by.attempt}"
            self.running[seed] = collector
            self.counts.ended -= before == "failed"  # it is tried again
            self.counts.move(before, row.state)
            changed = row.state != before
        now = self.clock()
        if self.crowd:
            self._now_and_then(now)
        elif not self.console.is_terminal and (changed or now - row.printed >= LINE_EVERY_S):
            self._fill(row, collector)
            self._line(seed, row)

    def _now_and_then(self, now: float) -> None:
        if not self.console.is_terminal and now - self.told >= LINE_EVERY_S:
            self.told = now
            self.say(self.counts.line(now))

    def _fill(self, row: Row, collector: Collector) -> None:
        """What the log of a running attempt says; of one that only scores, what its training said stays."""
        if collector.spec.trained is not None:
            return
        facts = collector.readers["train"].facts
        row.warm_up = warm_up_told(facts) if row.state in ("starting", "warming up") else ""
        steps = facts.get("steps")
        row.step = f"{steps:,}" if isinstance(steps, int) else ""
        loss = facts.get("train_loss")
        row.loss = _number(loss, 4)
        row.bpb = live_bpb_told(facts)
        if "train_seconds" in facts:
            row.clock = f"{facts['train_seconds']:.1f} / {self.train_limit:g} s"

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
        told = collector.spec.outputs is not None and "steps" in collector.readers["train"].facts
        return "training" if told else "starting"  # a script that announces nothing is known by its log

    def finished(self, seed: int, result: RunResult) -> None:
        """Show how an attempt ended."""
        note = result.reason.splitlines()[0] if result.reason else ""
        collector = self.running.pop(seed, None)
        if collector is not None:
            self._fill(self.rows[seed], collector)
        row = self._settle(seed, result, note)
        self.counts.ended += result.status != "lost"
        if not self.crowd:
            self._line(seed, row)
            return
        if result.status != "completed":
            self.say(f"seed {seed}: {row.state}  {note}".rstrip())
        self._now_and_then(self.clock())

    def kept(self, seed: int, result: RunResult) -> None:
        """Show a seed that an earlier run finished; of many `opening` tells their number."""
        if not self.crowd:
            self.say(f"seed {seed}: already finished (attempt {result.attempt}), kept")
        self._settle(seed, result, "kept from an earlier run")

    def stopped(self, reason: str, withdrawn: Iterable[int], note: str = "the same failure twice") -> None:
        """Show that nothing more is started, and which of the seeds that were withdrawn never was."""
        never = sorted(seed for seed in withdrawn if self.rows[seed].state == "waiting")
        for seed in never:
            self.counts.move("waiting", "not started")
            self.rows[seed].state, self.rows[seed].note = "not started", note
        self.say(f"stopped: {reason}" + (f"; never started: seed {listed(never)}" if never else ""))

    def say(self, line: str) -> None:
        """A line that belongs to no seed."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _settle(self, seed: int, result: RunResult, note: str) -> Row:
        row = self.rows[seed]
        self.counts.move(row.state, result.status)
        row.state, row.note, row.heard, row.warm_up = result.status, note, ("", 0, False), ""
        if result.final_score is not None:
            if result.status == "completed":
                self.counts.score(result.final_score.val_bpb)
            row.bpb = f"{result.final_score.val_bpb:.4f}"
            row.loss = f"{result.final_score.val_loss:.4f}"
        return row

    def _line(self, seed: int, row: Row) -> None:
        if self.console.is_terminal:
            return
        row.printed = self.clock()
        named = (
            ("step", row.step),
            ("loss", row.loss),
            (BPB if "@" in row.bpb else "bpb", row.bpb),
            ("clock", row.clock),
            ("", row.note),
        )
        text = "  ".join(f"{name} {value}".strip() for name, value in named if value)
        self.say(f"seed {seed}: {row.said}  {text}".rstrip())
