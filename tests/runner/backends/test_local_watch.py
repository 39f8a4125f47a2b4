"""A driver whose own Ray is killed or halted ends with our words and exit code 2, though it is blocked itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from runner.backends.local_watch import patience

BLOCKED = """
import os, subprocess, sys, time, psutil
from runner import interrupt
from runner.backends.local_watch import local_watched
part = psutil.Popen(["sleep", "60"])
other = psutil.Popen(["sleep", "61"])
parts = {psutil.Process(part.pid): "raylet", psutil.Process(other.pid): "control service"}
how = sys.argv[1]
with local_watched(parts, "golf resume job-01234567", halted=0.4, every=0.05):
    if how == "killed":
        part.kill()
    elif how == "halted":
        part.suspend()
    elif how == "halted for a moment":
        part.suspend()
        time.sleep(0.1)
        part.resume()
        time.sleep(1.0)
        how = "well"
    elif how == "stopped with us":
        interrupt.stopped.append(2)
        part.kill()
        time.sleep(1.0)
        how = "well"
    if how != "well":
        time.sleep(60)
part.kill()
other.kill()
"""


def driver(how: str) -> tuple[subprocess.CompletedProcess[str], float]:
    before = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, how], capture_output=True, text=True, timeout=50, check=False
    )
    return done, time.monotonic() - before


@pytest.mark.parametrize("how", ["killed", "halted"])
def test_a_ray_of_our_own_that_is_killed_or_halted_ends_the_driver_with_words(how: str) -> None:
    done, took = driver(how)
    assert done.returncode == 2
    told = f"was {how}. What ran is stopped, finished seeds are kept. golf resume job-01234567 goes on"
    assert told in done.stderr
    assert "golf: Ray's raylet on this machine (process " in done.stderr
    assert took < 20
    assert not [one for one in psutil.process_iter() if one.ppid() == os.getpid() and one.name() == "sleep"]


@pytest.mark.parametrize("how", ["halted for a moment", "stopped with us"])
def test_what_somebody_looked_at_for_a_moment_or_stopped_with_us_is_no_trouble(how: str) -> None:
    done, _ = driver(how)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("stall", "seconds"), [(0.0, 20.0), (5.0, 5.0), (300.0, 20.0)])
def test_a_part_may_be_halted_as_long_as_the_job_allows_at_most(stall: float, seconds: float) -> None:
    assert patience(stall) == seconds
