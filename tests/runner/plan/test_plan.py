"""Which command starts a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.job.load import job_from_mapping
from runner.plan.plan import with_torchrun

JOB = {
    "name": "one",
    "track": "local",
    "hardware": "cpu",
    "seeds": [1],
    "data": {"corpus": "asv"},
    "limits": {"train_seconds": 5, "eval_seconds": 5},
    "config": {"schedule": {"max_wallclock_seconds": 5}},
}


@pytest.mark.parametrize(
    ("track", "nproc", "expected"),
    [("local", 1, False), ("local", 2, True), ("10min_16mb", 1, True), ("non_record_16mb", 1, True)],
)
def test_our_script_as_one_process_goes_without_torchrun_off_the_contests_tracks(
    track: str, nproc: int, expected: bool
) -> None:
    job = job_from_mapping(JOB, source="test")
    assert with_torchrun(job.model_copy(update={"track": track}), nproc) is expected


@pytest.mark.parametrize(("launch", "expected"), [("torchrun", True), ("python", False)])
def test_somebody_elses_script_is_started_as_its_job_says(launch: str, expected: bool) -> None:
    job = job_from_mapping(JOB, source="test")
    theirs = job.model_copy(update={"script": Path("train.py"), "launch": launch, "track": "local"})
    assert with_torchrun(theirs, 1) is expected
