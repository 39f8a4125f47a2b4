"""The wall clock set by hours while something runs: noticed, and nothing judged by it."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from runner.folder.paths import RunFolder
from runner.folder.runs import DriverNote, driver_of, noted_driver, start_of
from runner.job.external_script import OutputsSpec
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Finished
from runner.wallclock import WallClock
from tests.fixtures.fake_script import PLAIN, fake_data
from tests.fixtures.official_script import SCRIPT
from tests.runner.node.test_attempt import spec_for

HOUR = 3600.0


class Clocks:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.wall, self.steady = 1e9, 50.0

    def pass_time(self, seconds: float, wall: float | None = None) -> None:
        self.steady += seconds
        self.wall += seconds if wall is None else wall


def test_a_step_is_noticed_once_and_slewing_is_none() -> None:
    clocks = Clocks()
    system = WallClock(lambda: clocks.wall, lambda: clocks.steady)
    for _ in range(100):
        clocks.pass_time(1.0, wall=1.0005)
        assert not system.jumped()
    for step in (HOUR, -3 * HOUR, 0.5):
        clocks.pass_time(1.0, wall=step)
        assert system.jumped()
        clocks.pass_time(1.0)
        assert not system.jumped()


def test_the_real_clocks_keep_step() -> None:
    system = WallClock()
    assert not any(system.jumped() for _ in range(1000))


def test_a_living_driver_is_alive_whatever_the_time_of_day_becomes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    with noted_driver(folder, {}):
        before = psutil.Process.create_time
        monkeypatch.setattr(psutil.Process, "create_time", lambda process: before(process) + 2 * HOUR)
        note = driver_of(folder)
        assert note is not None
        assert note.lives() is True
        assert DriverNote(note.pid, note.started + 1, note.host).lives() is False
    with pytest.raises(psutil.NoSuchProcess):
        start_of(2**22 + 1)


def theirs(**changes: object) -> AttemptSpec:
    """A foreign script that scores in its training process, so that its artifact's file time matters."""
    return spec_for(
        SCRIPT.encode(), outputs=OutputsSpec(), env={"CAP": "0.4", "VALIDATE_S": "0.05"}, launcher=PLAIN, **changes
    )


def ended(tmp_path: Path) -> Finished:
    messages = list(run_attempt(theirs(), lambda: fake_data(tmp_path / "data"), scratch=tmp_path / "scratch"))
    last = messages[-1]
    assert isinstance(last, Finished)
    assert last.train is not None
    assert last.eval is not None
    return last


def test_with_a_clock_that_was_set_the_kernels_notes_date_the_artifact_and_the_clocks_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ended(tmp_path)
    assert usual.train is not None
    assert usual.train.frozen_seconds is not None
    begun = time.monotonic()

    def set_by_an_hour() -> float:
        return time.time() + (HOUR if time.monotonic() - begun > 0.3 else 0.0)

    monkeypatch.setattr("runner.node.phase.WallClock", lambda: WallClock(set_by_an_hour))
    odd = ended(tmp_path)
    assert odd.status == usual.status == "completed"
    assert odd.train is not None
    assert odd.eval is not None
    assert odd.train.frozen_seconds is not None
    assert 0 < odd.train.frozen_seconds <= odd.train.wall_seconds
    assert odd.train.clock is not None
    assert odd.eval.clock is not None
    assert 0 <= odd.train.clock.low <= odd.train.clock.high < 60
    assert 0 <= odd.eval.clock.low <= odd.eval.clock.high < 60
