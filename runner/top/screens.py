"""What opens above the tables: a seed's log, the question before a run is stopped, and what the keys do."""

from __future__ import annotations

import threading
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Footer, Label, RichLog, Static

from runner.errors import UserError
from runner.printable import printable
from runner.top.sources import Source
from runner.top.views import shown

MOST_LINES = 5000
"""Of a log, as many are kept on the screen."""


class LogScreen(Screen[None]):
    """A seed's log: its last lines, and new ones as they come where the runs lie on this machine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "back"),
        Binding("q,left,ctrl+c", "app.pop_screen", "back", show=False),
        Binding("G", "bottom", "newest"),
        Binding("g", "top", "oldest"),
    ]

    def __init__(self, source: Source, run: str, seed: int) -> None:
        super().__init__()
        self.source, self.run_name, self.seed = source, run, seed
        self.over = threading.Event()

    def compose(self) -> ComposeResult:
        yield Static(Text(f"log of {shown(self.run_name)}/{self.seed}"), id="title")
        yield RichLog(max_lines=MOST_LINES, markup=False, highlight=False, wrap=True, auto_scroll=True)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(RichLog).focus()
        self.run_worker(self._follow, thread=True, exit_on_error=False)

    def on_unmount(self) -> None:
        self.over.set()

    def _follow(self) -> None:
        """In a thread of its own."""
        try:
            self.source.log(self.run_name, self.seed, self._write, self.over)
        except (UserError, OSError) as error:
            self._write(f"golf: {error}\n")

    def _write(self, line: str) -> None:
        if not self.over.is_set():
            self.app.call_from_thread(self.query_one(RichLog).write, Text(printable(line.rstrip("\n"))))

    def action_bottom(self) -> None:
        self.query_one(RichLog).scroll_end(animate=False)

    def action_top(self) -> None:
        self.query_one(RichLog).scroll_home(animate=False)


class StopScreen(ModalScreen[bool]):
    """The question before a run is stopped; gives whether it is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "stop it"),
        Binding("n,escape", "answer(False)", "leave it"),
    ]

    def __init__(self, run: str, at_work: int) -> None:
        super().__init__()
        self.run_name, self.at_work = run, at_work

    def compose(self) -> ComposeResult:
        seeds = f"{self.at_work:,} of its seeds {'is' if self.at_work == 1 else 'are'} running and will be killed"
        with Vertical(id="question"):
            yield Label(Text(f"Stop {shown(self.run_name)}?"), id="asked")
            yield Label(Text(f"{seeds}. Finished seeds are kept, and golf resume goes on with it."))
            with Horizontal():
                yield Button("Leave it (n)", id="leave", variant="primary")
                yield Button("Stop it (y)", id="stop", variant="error")

    def on_mount(self) -> None:
        self.query_one("#leave").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "stop")

    def action_answer(self, sure: bool) -> None:
        self.dismiss(sure)
