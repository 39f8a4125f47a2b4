"""A run that takes this machine whole has no other beside it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runner.drive import machine_lock
from runner.drive.machine_lock import WAITING, machine_for


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_whoever_takes_the_machine_alone_waits_and_is_waited_for(
    first: bool, second: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_lock, "lock_file", lambda: tmp_path / "lock")
    told: list[str] = []
    waits, entered = threading.Event(), threading.Event()

    def say(line: str) -> None:
        told.append(line)
        waits.set()

    def other() -> None:
        with machine_for(second, say):
            entered.set()

    with machine_for(first, told.append):
        thread = threading.Thread(target=other)
        thread.start()
        assert waits.wait(30)
        assert not entered.is_set()
    assert entered.wait(30)
    thread.join()
    assert told == [WAITING[second]]


def test_runs_that_share_the_machine_go_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_lock, "lock_file", lambda: tmp_path / "lock")
    told: list[str] = []
    with machine_for(False, told.append), machine_for(False, told.append):
        assert told == []
