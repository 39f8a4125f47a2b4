"""A sweep on a cluster: two trials at once, each on a raylet of its own; and the same after its driver is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from runner.folder.ledger import check_chain
from runner.folder.runs import all_runs
from runner.job.open_data import DataRequest
from runner.search.sweeps.folder import find_sweep
from runner.search.sweeps.standing import facts_of
from runner.search.sweeps.study import read_trials
from tests.fixtures.four_nodes import four_nodes
from tests.fixtures.sweep_script import write_sweep

pytestmark = pytest.mark.slow


def start(folder: Path, path: Path, address: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", "sweep", str(path), "--address", address]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_trials_run_at_once_on_two_raylets_and_a_killed_driver_loses_none(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    space, more = "{env.RATE: {log: [0.0001, 1.0]}}", "budget: {trials: 6}\n"
    path = write_sweep(tmp_path, tiny_data, space, more, "env: {PACE: '1.5'}\nprobe: false\nnproc: 1\n")
    job = tmp_path / "job.yaml"
    job.write_text(job.read_text().replace("track: local", "track: non_record_16mb").replace("cpu", "dgx-spark"))
    with four_nodes() as told, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", told["token"])
        driver = start(tmp_path, path, told["address"])
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up and driver.poll() is None:
            journals = list(tmp_path.glob("sweeps/*/journal.log"))
            trials = read_trials(journals[0]) if journals else []
            if sum(trial.state == "scored" for trial in trials) >= 2 and trials[-1].state == "running":
                break
            time.sleep(0.1)
        driver.kill()
        said, _ = driver.communicate()
        assert driver.returncode == -signal.SIGKILL, said
        again = start(tmp_path, path, told["address"])
        output, _ = again.communicate(timeout=240)
        assert again.returncode == 0, output
    assert "2 at a time" in output
    assert "goes on" in output
    folder = find_sweep(tmp_path, None)
    facts = facts_of(folder, read_trials(folder.journal))
    assert [(trial.number, trial.state) for trial in facts.trials] == [(number, "scored") for number in range(6)]
    assert facts.spent.gpu_hours is not None
    assert facts.spent.gpu_hours > 0
    spans, nodes = [], set()
    for run in all_runs(folder.path):
        entries = check_chain(run.ledger)
        for entry in entries:
            if entry["kind"] == "launched":
                nodes.add(entry["node"])
                ends = [
                    one["time"] for one in entries if one["kind"] == "finished" and one["attempt"] == entry["attempt"]
                ]
                spans.append((moment(entry["time"]), moment(ends[0]), entry["node"]))
    assert len(nodes) == 2
    overlapping = [(a, b) for a in spans for b in spans if a[0] <= b[0] < a[1] and a[2] != b[2]]
    assert overlapping, spans


def moment(time_of: str) -> float:
    return datetime.fromisoformat(time_of).timestamp()
