"""The sweep that is shipped for a laptop, whole: killed in the middle, gone on with, its best made a record."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.search.sweeps.folder import find_sweep, read_promoted
from runner.search.sweeps.standing import facts_of
from runner.search.sweeps.study import read_trials
from tests.fixtures.places import JOBS

pytestmark = pytest.mark.slow


def golf(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_twelve_trials_outlive_a_kill_and_the_best_becomes_a_record_that_passes(tmp_path: Path) -> None:
    path = str(JOBS / "sweeps" / "quickstart.yaml")
    driver = golf(tmp_path, "sweep", path)
    while driver.poll() is None:
        journals = list(tmp_path.glob("sweeps/*/journal.log"))
        trials = read_trials(journals[0]) if journals else []
        if sum(trial.state == "scored" for trial in trials) >= 5 and trials[-1].state == "running":
            break
        time.sleep(0.5)
    driver.kill()
    said, _ = driver.communicate()
    assert driver.returncode == -signal.SIGKILL, said
    again = golf(tmp_path, "sweep", path)
    output, _ = again.communicate(timeout=3600)
    assert again.returncode == 0, output
    folder = find_sweep(tmp_path, None)
    facts = facts_of(folder, read_trials(folder.journal))
    assert [(trial.number, trial.state) for trial in facts.trials] == [(number, "scored") for number in range(12)]
    assert all(set(trial.params) == {one["path"] for one in facts.space} for trial in facts.trials)
    assert len(facts.space) == 3
    best = golf(tmp_path, "sweep", "best", "--promote", "1", "--seeds", "1337,42,314")
    output, _ = best.communicate(timeout=3600)
    assert best.returncode == 0, output
    (promoted,) = read_promoted(folder)
    assert promoted.verdict == "passed"
    record = json.loads((tmp_path / promoted.record / "results.json").read_text())
    assert record["job"]["seeds"] == [1337, 42, 314]
    assert f"winner's curse: {facts.model_copy(update={'promoted': [promoted]}).curse:+.4f} bpb" in output
