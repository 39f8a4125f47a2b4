"""`golf top` away from a terminal: one table, or one again and again until all have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.top.plain import lines_of, repeated
from runner.top.views import RunView
from runner.verbs.looking import top
from tests.fixtures.live_run import live_run
from tests.fixtures.told_runs import told_runs


def test_a_row_a_seed_and_what_is_said_of_the_run_in_its_first() -> None:
    lines = lines_of(told_runs(), "here").splitlines()
    assert len(lines) == 5
    words = [line.split() for line in lines]
    assert words[0][:8] == ["run", "it", "is", "left", "in", "all", "seed", "state"]
    assert " ".join(words[1]).startswith(
        "front-0a1b2c3d running 8 to 23 min $20.00 to $31.50 1337 completed 13,780 2.0300 █▅▁ 1.1998"
    )
    assert words[2][:3] == ["42", "training", "7,211"]
    assert lines[3].endswith("waits for a node to itself")
    assert not {"\x1b", "\x07"} & set("".join(lines))


def test_no_run_and_a_run_that_cannot_be_read_are_said() -> None:
    assert lines_of([], "x/runs") == "no run under x/runs\n"
    lines = lines_of([RunView(run="a-1", problem="ledger.jsonl:3: broken"), RunView(run="b-1")], "x").splitlines()
    assert lines[1].endswith("ledger.jsonl:3: broken")
    assert lines[2].endswith("no seed is registered")


def test_it_is_repeated_until_nothing_runs_or_waits() -> None:
    running, ended = told_runs()[:1], told_runs()[1:]
    looks, written, waits = iter([running, running, ended]), list[str](), list[None]()
    repeated(lambda: next(looks), written.append, "x", lambda: waits.append(None))
    assert (len(waits), sum("front" in text for text in written), sum("other" in text for text in written)) == (
        2,
        2,
        1,
    )


def test_the_verb_prints_the_table_into_a_pipe_and_ends(
    tiny_data: DataRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = live_run(tiny_data, tmp_path)
    capsys.readouterr()
    top(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(run.path.name)
    assert lines[2].split()[:6] == ["2", "training", "20", "3.0000", "█▄▁", "1.9000"]
    assert "box" in lines[2].split()
    assert lines[3].endswith("waits its turn: one seed after the other")
    top(tmp_path / "runs")
    assert capsys.readouterr().out == f"no run under {tmp_path}/runs/runs\n"
    with pytest.raises(UserError, match="nowhere: is no folder"):
        top(Path("nowhere"))
