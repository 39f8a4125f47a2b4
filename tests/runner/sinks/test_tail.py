"""Points of a log that is still written: each once, in any pieces, and nothing of what is no step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.sinks import tail
from runner.sinks.tail import LogTail, Point


def test_steps_come_out_once_and_only_when_their_line_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    found = LogTail(log)
    assert list(found.points()) == []
    log.write_bytes(b"seed:1\nstep:1/20 train_loss:2.9 train_time:20ms step_avg:20.00ms\nstep:2/20 train_lo")
    assert list(found.points()) == [Point(1, {"train/loss": 2.9, "train/clock_s": 0.02, "train/step_ms": 20.0})]
    with log.open("ab") as file:
        file.write(b"ss:nan train_time:40ms step_avg:20.00ms\nstep:2/20 val_loss:2.2 val_bpb:1.3 train_time:40ms")
        file.write(b" step_avg:20.00ms\nmodel_params:17059912\n")
    assert list(found.points()) == [
        Point(2, {"train/clock_s": 0.04, "train/step_ms": 20.0}),
        Point(2, {"val/loss": 2.2, "val/bpb": 1.3, "train/clock_s": 0.04, "train/step_ms": 20.0}),
    ]
    assert list(found.points()) == []


def test_lines_of_somebody_elses_script_are_read_by_its_pattern(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"it 1,000 | loss 2.5\n")
    own = [re.compile(r"it (?P<step>[\d,]+) \| loss (?P<train_loss>[\d.]+)")]
    assert list(LogTail(log, own).points()) == [Point(1000, {"train/loss": 2.5})]


def test_a_flood_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "MOST_POINTS", 3)
    monkeypatch.setattr(tail, "MOST_PIECES", 1)
    log = tmp_path / "train.log"
    line = b"step:%d/9 train_loss:2.9 train_time:20ms step_avg:20.00ms\n"
    log.write_bytes(b"".join(line % step for step in range(9)) + b"x" * tail.PIECE)
    found = LogTail(log)
    assert [point.step for point in found.points()] == [0, 1, 2]
    assert found.read == tail.PIECE
    assert list(found.points()) == []
