"""The whole cluster dies, its head first; the run goes on on another one with what lies on disk."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.fixtures.places import ROOT

pytestmark = pytest.mark.slow


def test_a_run_goes_on_on_a_new_cluster_when_the_head_was_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.lose_head"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["problems"] == []
    assert found["driver"] == 2
    assert "golf resume chaos-fake-" in found["told"]
    assert found["took"] < 60
    assert found["resumed"] == found["usual"] == 1  # what it prints is no score of the text, which golf tells
    kept = {str(seed) for seed in found["kept"]}
    assert kept
    assert all(found["attempts"][seed] == 1 for seed in kept)
    assert all(f"seed {seed}: already finished" in found["resumed_told"] for seed in kept)
