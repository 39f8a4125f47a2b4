"""What each cell says of a seed and of a run."""

from __future__ import annotations

from rich.text import Text

from runner.top.cells import COLUMNS, counts, megabytes, run_cells
from runner.top.views import RunView, SeedView, SizeView
from tests.fixtures.told_runs import told_runs

CELLS = {column.name: column.cell for column in COLUMNS}


def cell(name: str, run: RunView, seed: SeedView, *, short: int = 0) -> str:
    found = CELLS[name](run, seed, short)
    assert isinstance(found, Text)
    return found.plain


def test_a_clock_stands_beside_a_bar_that_its_limit_fills() -> None:
    run, _ = told_runs()
    done, training, waiting = run.seeds
    assert cell("clock", run, done) == "████████ 600 / 600 s"
    assert cell("clock", run, training) == "████░░░░ 312 / 600 s"
    assert cell("clock", run, training, short=1) == "██░░ 312/600 s"
    assert cell("clock", run, waiting) == "–"
    between = SeedView(seed=1, clock=12.5, clock_low=11.0)
    assert cell("clock", run, between) == "░░░░░░░░ 11.0 to 12.5 / 600 s"
    assert cell("clock", RunView(run="a"), between) == " 11.0 to 12.5 / – s"
    late = CELLS["clock"](run, SeedView(seed=1, clock=700.0), 0)
    assert late.spans[0].style == "red"


def test_a_validation_while_it_trains_has_its_step_where_there_is_room() -> None:
    run, _ = told_runs()
    seed = SeedView(seed=1, bpb=1.3, bpb_told="1.3000 @1,000")
    assert (cell("bpb", run, seed), cell("bpb", run, seed, short=1)) == ("1.3000 @1,000", "1.3000")


def test_a_size_says_whether_it_was_counted_and_an_interval_keeps_both_ends() -> None:
    run, _ = told_runs()
    done, training, waiting = run.seeds
    assert cell("size", run, done) == "███████░ 15.988 MB"
    assert cell("size", run, training) == "███████░ ~15.970 MB"
    assert cell("size", run, waiting) == "███████░ ~15.876 (4.31 to 17.6) MB"
    over = SeedView(
        seed=1, size_bytes=SizeView(low=16_000_001, high=16_000_001, expected=16_000_001, basis="counted")
    )
    assert cell("size", run, over) == "████████ 16.000 MB OVER"
    only = SeedView(seed=1, size_bytes=SizeView(low=1_000_000, high=2_000_000))
    assert cell("size", run, only) == " 1 to 2 MB"
    assert cell("size", run, SeedView(seed=1)) == "–"
    assert [megabytes(size) for size in (None, 1208844, 15_987_654)] == ["–", "1.21", "15.988"]


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    run, nothing = RunView(run="a-1"), SeedView(seed=1)
    assert {cell(name, run, nothing) for name in ("step", "loss", "bpb", "clock", "size", "cost", "node")} == {"–"}
    assert [text.plain for text in run_cells(run)][2:6] == ["0/0 ended", "–", "–", "–"]
    assert cell("loss", run, SeedView(seed=1, loss=float("nan"))) == "–"


def test_a_run_says_how_many_seeds_stand_where_how_long_still_and_for_how_much() -> None:
    run, other = told_runs()
    assert counts(run) == "1/3 ended, 1 runs, 1 waits"
    assert [text.plain for text in run_cells(run)] == [
        *("front-0a1b2c3d", "running", "1/3 ended, 1 runs, 1 waits", "8 to 23 min", "$11.20", "$20.00 to $31.50", "")
    ]
    assert run_cells(other)[-1].plain == "stopped: the same failure twice"


def test_text_of_a_script_becomes_neither_markup_nor_a_control_sequence() -> None:
    _, other = told_runs()
    assert cell("note", other, other.seeds[0]) == "RuntimeError: [red]boom[/red]  [31mevil "
    assert cell("node", other, other.seeds[0]) == " [2Jvm"
