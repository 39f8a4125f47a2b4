"""The screen of `golf top`, driven by its keys (Textual's pilot), over a run folder and over what a source tells."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, RichLog, Static

from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.top.app import TopApp, TopScreen
from runner.top.kept_table import KeptTable
from runner.top.screens import LogScreen, StopScreen
from runner.top.sources import FolderSource, Source, Write
from runner.top.views import RunView
from tests.fixtures.live_run import live_run
from tests.fixtures.told_runs import told_runs

Driven = Callable[[TopApp, Pilot[None]], Awaitable[None]]


class Told:
    """A source that tells what a test gives it."""

    name = "there/runs"

    def __init__(self, runs: list[RunView]) -> None:
        self.runs = runs
        self.problem = ""
        self.stopped: list[str] = []

    def look(self) -> list[RunView]:
        if self.problem:
            raise UserError(self.problem)
        return self.runs

    def log(self, run: str, seed: int, write: Write, over: threading.Event) -> None:
        write(f"log of [b]{run}[/b]/{seed} \x1b[31mred\n")

    def stop(self, run: str) -> str:
        self.stopped.append(run)
        return "stopped"


def drive(source: Source, keys: Driven, size: tuple[int, int] = (140, 30)) -> None:
    async def session() -> None:
        app = TopApp(source, every=0.2)
        async with app.run_test(size=size) as pilot:
            await until(lambda: isinstance(app.screen, TopScreen) and app.screen.looked is not None)
            await keys(app, pilot)

    asyncio.run(session())


async def until(found: Callable[[], object]) -> None:
    """Wait for what a key or the next look brings."""
    for _ in range(1000):
        if found():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come")


def rows(app: TopApp, table: str = "seeds") -> list[list[str]]:
    """The cells of a table as they stand."""
    found = app.screen.query_one(f"#{table}", KeptTable)
    return [[cell.plain for cell in found.get_row_at(place)] for place in range(found.row_count)]


def heading(app: TopApp) -> str:
    return str(app.screen.query_one("#place", Static).content)


def test_runs_and_seeds_are_shown_and_a_look_changes_what_has_changed() -> None:
    source = Told(told_runs())

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        assert heading(app) == "golf top  there/runs   2 runs"
        assert [row[0] for row in rows(app, "runs")] == ["front-0a1b2c3d", "other-e05eba7e"]
        assert [row[1:3] for row in rows(app)] == [
            *(["1337", "completed"], ["42", "training"], ["2024", "waiting"], ["7", "failed"])
        ]
        await pilot.press("down")
        front, other = source.runs
        seeds = [seed.model_copy(update={"step": 9000}) if seed.seed == 42 else seed for seed in front.seeds]
        source.runs = [front.model_copy(update={"seeds": tuple(seeds)}), other]
        await until(lambda: rows(app)[1][3] == "9,000")
        table = app.screen.query_one("#seeds", KeptTable)
        assert (table.key, table.cursor_row) == ("front-0a1b2c3d/42", 1)
        source.runs = [other, front]
        await until(lambda: rows(app)[0][1] == "7")
        assert table.key == "front-0a1b2c3d/42"  # the cursor goes where its seed goes

    drive(source, keys)


def test_keys_sort_reverse_and_filter() -> None:
    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("a")
        assert [row[1] for row in rows(app)][:1] == ["2024"] or [row[0] for row in rows(app)] == ["42", "2024"]
        await pilot.press("a", "s", "s", "s", "s", "r")
        assert [row[1] for row in rows(app)] == ["42", "1337", "2024", "7"]
        await pilot.press("slash", *"h100", "enter")
        assert [row[0] for row in rows(app)] == ["42", "1337"]
        assert "filter: h100" in heading(app)
        assert not app.screen.query_one("#filter", Input).display
        await pilot.press("escape")
        assert len(rows(app)) == 4

    drive(Told(told_runs()), keys)


def test_a_log_opens_as_text_and_closes() -> None:
    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("down", "l")
        await until(lambda: isinstance(app.screen, LogScreen) and app.screen.query_one(RichLog).lines)
        assert [line.text.rstrip() for line in app.screen.query_one(RichLog).lines] == [
            "log of [b]front-0a1b2c3d[/b]/42 �[31mred"
        ]
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, TopScreen))

    drive(Told(told_runs()), keys)


def test_a_run_is_stopped_only_when_it_is_meant() -> None:
    source = Told(told_runs())

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        for answer in ("n", "enter"):  # the button under the cursor leaves it
            await pilot.press("x")
            await until(lambda: isinstance(app.screen, StopScreen))
            await pilot.press(answer)
            await until(lambda: isinstance(app.screen, TopScreen))
        assert source.stopped == []
        await pilot.press("x")
        await until(lambda: isinstance(app.screen, StopScreen))
        await pilot.press("y")
        await until(lambda: source.stopped == ["front-0a1b2c3d"])
        await pilot.press("ctrl+end", "x")  # nobody works on the other run: nothing is asked
        await pilot.pause()
        assert isinstance(app.screen, TopScreen)

    drive(source, keys)


def test_a_look_that_fails_is_said_and_what_was_known_stays() -> None:
    source = Told(told_runs())

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        trouble = app.screen.query_one("#trouble", Static)
        assert not trouble.display
        source.problem = "no dashboard [answers]\x1b"
        await until(lambda: trouble.display)
        assert str(trouble.content) == "not found out: no dashboard [answers] "
        assert len(rows(app)) == 4
        source.problem = ""
        await until(lambda: not trouble.display)

    drive(source, keys)


def test_a_run_folder_is_watched_and_its_log_followed(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = live_run(tiny_data, tmp_path)
    log = run.attempt(2, 1).log("train")

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        assert [row[:2] for row in rows(app)] == [["1", "completed"], ["2", "training"], ["3", "waiting"]]
        with log.open("a") as more:
            more.write("step:40/20000 train_loss:2.5000 train_time:4000ms step_avg:100.00ms\n")
        await until(lambda: rows(app)[1][2:4] == ["40", "2.5000"])
        await pilot.press("down", "enter")
        await until(lambda: isinstance(app.screen, LogScreen) and app.screen.query_one(RichLog).lines)
        with log.open("a") as more:
            more.write("a new line\n")
        await until(lambda: app.screen.query_one(RichLog).lines[-1].text.rstrip() == "a new line")
        await pilot.press("escape", "q")

    drive(FolderSource(tmp_path), keys, (80, 24))


def test_an_empty_folder_says_so_and_is_watched(tmp_path: Path) -> None:
    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        assert heading(app) == f"golf top  {tmp_path}/runs   no run yet"
        await pilot.press("x", "l")
        await pilot.pause()
        assert isinstance(app.screen, TopScreen)

    drive(FolderSource(tmp_path), keys)
