"""Where `golf top` looks: a folder here, and a cluster by its board, or by the verb where no board counts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runner.drive.watch.board import board_kept
from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.top.sources import ClusterSource, FolderSource
from tests.fixtures.live_run import live_run
from tests.runner.backends.test_status_board import RUNNING, dashboard
from tests.runner.drive.test_orders import fails, without_processes


class Asked(ClusterSource):
    """A cluster whose verbs are answered here."""

    def __init__(self, address: str, output: Path, answer: str) -> None:
        super().__init__(address, output, lambda: str(output))
        self.answer = answer
        self.words: list[list[str]] = []

    def _ask(self, words: list[str]) -> str:
        self.words.append(words)
        return self.answer


def test_a_board_tells_the_same_as_the_folder(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = live_run(tiny_data, tmp_path)
    logs = tmp_path / "logs"
    logs.mkdir()
    with board_kept(tmp_path, logs):
        pass
    with dashboard(logs, [{**RUNNING, "metadata": {"verb": "run"}}]) as address:
        source = Asked(f"http://{address}", tmp_path, "")
        (there,) = source.look()
        assert source.words == []
    (here,) = FolderSource(tmp_path).look()
    assert there.run == here.run == run.path.name
    assert [(seed.state, seed.step, seed.node, seed.curve, seed.size_bytes) for seed in there.seeds] == [
        (seed.state, seed.step, seed.node, seed.curve, seed.size_bytes) for seed in here.seeds
    ]


def test_without_a_board_the_verb_is_asked_and_not_at_every_look(tmp_path: Path) -> None:
    with dashboard(tmp_path, []) as address:
        source = Asked(f"http://{address}", tmp_path, '{"runs": [{"run": "far-1", "seeds": []}]}\n')
        for _ in range(3):
            assert [run.run for run in source.look()] == ["far-1"]
        assert source.words == [["status", "--json"]]


def test_a_clusters_log_and_stop_are_verbs_there(tmp_path: Path) -> None:
    source = Asked("127.0.0.1:1", tmp_path, "far-1: stopped; golf resume goes on with it\n")
    written: list[str] = []
    source.log("far-1", 7, written.append, threading.Event())
    assert source.stop("far-1") == "stopped; golf resume goes on with it"
    assert source.words == [["logs", "--tail", "200", "far-1/7"], ["stop", "far-1"]]
    assert len(written) == 1


def test_of_a_folder_a_log_is_followed_until_that_is_enough(tiny_data: DataRequest, tmp_path: Path) -> None:
    live_run(tiny_data, tmp_path)
    written, over = list[str](), threading.Event()
    over.set()
    FolderSource(tmp_path).log("fake", 2, written.append, over)
    assert len(written) == 4
    assert written[-1].startswith("step:20/20000 train_loss:3.0000")


def test_a_run_that_nobody_works_on_is_not_stopped(tiny_data: DataRequest, tmp_path: Path) -> None:
    without_processes(tiny_data, tmp_path, fails, (1,), tries=1)
    assert FolderSource(tmp_path).stop("fake") == "nobody was at work on it"
    with pytest.raises(UserError, match="no run of this name"):
        FolderSource(tmp_path).stop("other")
