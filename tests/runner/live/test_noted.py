"""What a run's folder says of its job."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.job.open_data import DataRequest
from runner.live.noted import noted
from tests.fixtures.live_run import live_run


def test_a_job_is_known_although_the_folder_that_its_driver_began_in_is_gone(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = live_run(tiny_data, tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError):
        os.getcwd()  # noqa: PTH109
    job = noted(run)
    assert job is not None
    assert (job.track, job.limits.train_seconds, job.concurrent, job.iterations) == ("local", 5.0, 1, None)
    assert (job.need.cpus, job.need.gpus, job.need.alone, job.own) == (1, 0, False, ())
    assert job.forecast is not None


def test_a_job_that_cannot_be_read_is_not_known(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = live_run(tiny_data, tmp_path)
    whole = run.job.read_text()
    for broken in ("{", "[]", whole.replace('"local"', '"no such track"'), whole.replace('"cpu"', '"no such node"')):
        run.job.write_text(broken)
        assert noted(run) is None
    run.job.unlink()
    assert noted(run) is None
