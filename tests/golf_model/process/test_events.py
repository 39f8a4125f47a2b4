"""Events reach the referee's pipe and the log, and a missing referee stops nothing."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from golf_model.process.events import Events
from golf_model.process.runlog import RunLog


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    return RunLog(io.StringIO(), tmp_path / "logs", "run", is_main=True)


def test_events_arrive_as_json_lines_in_order(tmp_path: Path, log: RunLog) -> None:
    pipe = tmp_path / "events"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    events = Events(pipe, log, is_main=True)
    events.announce("train_start")
    events.announce("train_end")
    lines = os.read(reader, 4096).decode().splitlines()
    os.close(reader)
    assert [json.loads(line) for line in lines] == [{"event": "train_start"}, {"event": "train_end"}]
    assert log.path.read_text() == "event:train_start\nevent:train_end\n"


def test_pipe_without_a_reader_is_reported_and_tried_again(tmp_path: Path, log: RunLog) -> None:
    pipe = tmp_path / "events"
    os.mkfifo(pipe)
    events = Events(pipe, log, is_main=True)
    events.announce("train_start")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    events.announce("train_end")
    assert json.loads(os.read(reader, 4096)) == {"event": "train_end"}
    os.close(reader)
    assert "event_pipe_unavailable:train_start" in log.path.read_text()


def test_reader_that_left_does_not_stop_the_run(tmp_path: Path, log: RunLog) -> None:
    pipe = tmp_path / "events"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    events = Events(pipe, log, is_main=True)
    events.announce("train_start")
    os.close(reader)
    events.announce("train_end")
    assert log.path.read_text().endswith("event:train_end\n")


def test_other_processes_stay_silent(tmp_path: Path) -> None:
    quiet = RunLog(io.StringIO(), tmp_path / "logs", "run", is_main=False)
    pipe = tmp_path / "events"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    Events(pipe, quiet, is_main=False).announce("train_start")
    assert os.read(reader, 4096) == b""
    os.close(reader)
    assert not (tmp_path / "logs").exists()
