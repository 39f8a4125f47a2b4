"""Runs that take this machine whole go one after the other."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runner.drive import machine_lock
from runner.drive.machine_lock import WAITING, machine_alone


def test_a_second_run_says_that_it_waits_and_goes_on_when_the_first_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_lock, "lock_file", lambda: tmp_path / "lock")
    told: list[str] = []
    waits, entered = threading.Event(), threading.Event()

    def say(line: str) -> None:
        told.append(line)
        waits.set()

    def second() -> None:
        with machine_alone(True, say):
            entered.set()

    with machine_alone(True, told.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        assert not entered.is_set()
        with machine_alone(False, told.append):  # whoever does not ask for it is not held up
            pass
    assert entered.wait(30)
    thread.join()
    assert told == [WAITING]
