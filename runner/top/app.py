"""`golf top` on a terminal: runs above, seeds below, looked at again and again by a thread of its own.

Draws what a source tells (sources) and starts nothing; the one thing that it does is to stop a run, when it is asked
and has asked back. Text from outside is never markup.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from runner.errors import UserError
from runner.interrupt import INTERRUPTED
from runner.top.cells import COLUMNS
from runner.top.kept_table import KeptTable
from runner.top.layout import MOST_ROWS, Wanted, chosen, run_rows, seed_rows
from runner.top.screens import LogScreen, StopScreen
from runner.top.sources import Source
from runner.top.views import RunView, shown

EVERY_S = 1.0
"""Wait between two looks."""
SORTED_BY = ("", "state", "step", "loss", "bpb", "clock", "size", "cost")
"""Columns that the key `s` goes through."""

CSS = """
#place { height: 1; padding: 0 1; background: $panel; }
#runs { height: auto; max-height: 40%; min-height: 3; border-bottom: solid $panel; }
#seeds { height: 1fr; }
#trouble { height: auto; padding: 0 1; color: $error; }
#filter { display: none; height: 3; }
#title { height: 1; padding: 0 1; background: $panel; }
StopScreen { align: center middle; }
#question { width: 64; max-width: 95%; height: auto; padding: 1 2; border: thick $error; background: $surface; }
#question Label { width: 100%; margin-bottom: 1; }
#asked { text-style: bold; }
#question Horizontal { height: auto; align: center middle; }
#question Button { margin: 0 2; }
"""


class TopScreen(Screen[None]):
    """The two tables, and what is told around them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit"),
        Binding("ctrl+c", "leave", "quit", show=False),
        Binding("s", "sort", "sort"),
        Binding("r", "backwards", "reverse"),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("a", "running", "busy only"),
        Binding("l", "log", "log"),
        Binding("x", "stop", "stop"),
        Binding("tab", "app.focus_next", "table"),
    ]

    def __init__(self, source: Source, every: float = EVERY_S) -> None:
        super().__init__()
        self.source, self.every = source, every
        self.runs: list[RunView] = []
        self.wanted = Wanted()
        self.looked: float | None = None
        """When it was found out last how runs stand, on our monotonic clock."""
        self.trouble = ""

    def compose(self) -> ComposeResult:
        yield Static(id="place")
        yield KeptTable(id="runs")
        yield Static(id="trouble")
        yield KeptTable(id="seeds")
        yield Input(placeholder="words that must stand in a seed's run, state, node or number", id="filter")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#trouble").display = False
        self.query_one("#seeds").focus()
        self.run_worker(self._watch(), exclusive=True)

    async def _watch(self) -> None:
        """Look, draw, wait, for ever; a look that fails is said and tried again."""
        while True:
            try:
                self.runs = await asyncio.to_thread(self.source.look)
                self.looked, self.trouble = time.monotonic(), ""
            except (UserError, OSError, ValueError) as error:
                self.trouble = f"not found out: {shown(str(error), 300)}"
            self.draw()
            await asyncio.sleep(self.every)

    def draw(self) -> None:
        """Everything as it was found last."""
        if not self.query("#place"):
            return  # the screen is going
        rows = chosen(self.runs, self.wanted)
        more = len(rows) - MOST_ROWS
        if more > 0:
            rows = sorted(rows, key=lambda row: not row[1].runs)[:MOST_ROWS]
        self.query_one("#place", Static).update(self._heading(max(0, more)))
        trouble = self.query_one("#trouble", Static)
        trouble.display = bool(self.trouble)
        trouble.update(Text(self.trouble))
        width = self.size.width
        self.query_one("#runs", KeptTable).draw(*run_rows(self.runs, width))
        self.query_one("#seeds", KeptTable).draw(*seed_rows(rows, width, self.wanted))

    def _heading(self, more: int) -> Text:
        """Where it looks, what is left out, how old it is."""
        parts = [f"golf top  {shown(self.source.name, 200)}"]
        if self.looked is None:
            parts.append("looking ...")
        elif not self.runs:
            parts.append("no run yet")
        else:
            parts.append(f"{len(self.runs):,} run{'' if len(self.runs) == 1 else 's'}")
        parts += ["only what runs or waits"] if self.wanted.only_running else []
        parts += [f"filter: {self.wanted.words}"] if self.wanted.words else []
        parts += [f"{more:,} more seeds: filter with /"] if more else []
        if self.looked is not None and (age := time.monotonic() - self.looked) > 3 * self.every + 2:
            parts.append(f"as it was {age:.0f} s ago")
        return Text("   ".join(parts))

    def on_resize(self, event: Resize) -> None:
        if self.looked is not None:
            self.call_after_refresh(self.draw)

    def selected(self) -> tuple[RunView, int] | None:
        """The run and the seed under the cursor; of the upper table, its run's first seed that runs."""
        focused = self.focused
        if not isinstance(focused, KeptTable) or focused.key is None:
            return None
        name, _, number = focused.key.rpartition("/") if focused.id == "seeds" else (focused.key, "", "")
        run = next((run for run in self.runs if run.run == name), None)
        if run is None or (not number and not run.seeds):
            return None
        first = next((seed.seed for seed in run.seeds if seed.runs), run.seeds[0].seed if run.seeds else 0)
        return run, int(number) if number else first

    def action_leave(self) -> None:
        self.app.exit()

    def action_sort(self) -> None:
        """Sort by the next column."""
        place = SORTED_BY.index(self.wanted.sort)
        self.wanted = replace(self.wanted, sort=SORTED_BY[(place + 1) % len(SORTED_BY)])
        heads = {column.name: column.head for column in COLUMNS}
        self.notify(f"sorted by {heads.get(self.wanted.sort, 'run')}", timeout=1.5, markup=False)
        self.draw()

    def action_backwards(self) -> None:
        self.wanted = replace(self.wanted, backwards=not self.wanted.backwards)
        self.draw()

    def action_running(self) -> None:
        self.wanted = replace(self.wanted, only_running=not self.wanted.only_running)
        self.draw()

    def action_filter(self) -> None:
        """Open the line in which a filter is typed."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self.wanted = replace(self.wanted, words=event.value)
        self.draw()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#filter", Input).display = False
        self.query_one("#seeds").focus()

    def key_escape(self) -> None:
        """Leave the filter, and forget it."""
        line = self.query_one("#filter", Input)
        if line.display or self.wanted.words:
            line.value = ""
            self._filter_done()

    @on(DataTable.RowSelected)
    def _opened(self, event: DataTable.RowSelected) -> None:
        self.action_log()

    def action_log(self) -> None:
        """Open the log of the seed under the cursor."""
        if (found := self.selected()) is not None:
            self.app.push_screen(LogScreen(self.source, found[0].run, found[1]))

    def action_stop(self) -> None:
        """Stop the run under the cursor, once it was asked whether that is meant."""
        found = self.selected()
        if found is None:
            return
        run = found[0]
        at_work = sum(seed.runs for seed in run.seeds)
        if not at_work and not any(seed.waits for seed in run.seeds):
            self.notify(f"{shown(run.run)}: nobody is at work on it", markup=False)
            return

        def answered(sure: bool | None) -> None:
            if sure:
                self.notify(f"{shown(run.run)}: stopping ...", markup=False)
                self.run_worker(self._stop(run.run))

        self.app.push_screen(StopScreen(run.run, at_work), answered)

    async def _stop(self, run: str) -> None:
        try:
            said = await asyncio.to_thread(self.source.stop, run)
            self.notify(f"{shown(run)}: {shown(said, 200)}", timeout=10, markup=False)
        except (UserError, OSError) as error:
            self.notify(shown(str(error), 400), severity="error", timeout=30, markup=False)


class TopApp(App[None]):
    """`golf top` on a terminal; ends with the exit code of an interrupt where a signal ended it."""

    CSS = CSS
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, source: Source, every: float = EVERY_S) -> None:
        super().__init__()
        self.source, self.every = source, every

    def on_mount(self) -> None:
        self.push_screen(TopScreen(self.source, self.every))
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(name, self.exit, None, INTERRUPTED)
            except (ValueError, RuntimeError, NotImplementedError):
                break  # not the main thread: whoever runs us there sees to signals
