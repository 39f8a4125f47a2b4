"""The quickstart as a new user meets it: minutes, not seconds, so in the slow suite."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.audit.audit import audit_folder
from runner.node.orphans import marked
from runner.results.record import RecordData
from tests.fixtures.places import JOBS

pytestmark = pytest.mark.slow

JOB = JOBS / "quickstart.yaml"


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", "run", str(JOB)]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def test_every_seed_learns_more_than_a_bigram_model(tmp_path: Path) -> None:
    with start(tmp_path) as running:
        output, _ = running.communicate(timeout=900)
    assert running.returncode == 0, output
    (record,) = (tmp_path / "records" / "local").iterdir()
    data = RecordData.model_validate_json((record / "results.json").read_bytes())
    (bigram,) = (yardstick for yardstick in data.yardsticks if yardstick.name == "bigram")
    scores = {result.seed: result.final_score.val_bpb for result in data.results if result.final_score}
    assert sorted(scores) == [42, 1337, 2024]
    assert all(score < bigram.bpb for score in scores.values()), (scores, bigram.bpb)
    audit = audit_folder(record)
    assert audit.findings == ()
    assert audit.n_primary_runs == 3


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_is_clean_and_the_same_command_continues(tmp_path: Path, name: str) -> None:
    with start(tmp_path) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if ": training" in line:
                break
        assert marked("quickstart")
        before = time.monotonic()
        os.killpg(running.pid, getattr(signal, name))
        while marked("quickstart"):
            assert time.monotonic() - before < 3
            time.sleep(0.05)
        output = running.stdout.read()
        assert running.wait(timeout=30) == 130, output
    assert "the same command continues" in output
    (folder,) = (tmp_path / "runs").iterdir()
    assert not list(folder.glob("seeds/*/*/result.json"))
    assert not list(folder.rglob("*.tmp"))
    assert not (tmp_path / "records").exists()
