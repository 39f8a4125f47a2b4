"""A process that answers a question does not outlive who asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from golf_model.process.parent import ASKED_BY
from runner.machine import asking

ANSWERS = "from golf_model.process.parent import end_with_parent as e; e(); import os, time; print(os.getpid()); {}"
ASKS = "import subprocess, sys; subprocess.run([sys.executable, '-u', '-c', sys.argv[1]])"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_it_is_killed_with_who_asked_even_where_that_one_is_killed() -> None:
    command = [sys.executable, "-c", ASKS, ANSWERS.format("time.sleep(120)")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asks:
        assert asks.stdout is not None
        child = Path("/proc", asks.stdout.readline().strip())
        asks.kill()
        for _ in range(500):
            if not child.exists() or ") Z " in (child / "stat").read_text():
                break
            time.sleep(0.01)
        else:
            pytest.fail(f"{child.name} is still at work")


def test_it_does_not_begin_where_who_asked_is_gone_already() -> None:
    command = [sys.executable, "-c", ANSWERS.format("pass")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, ASKED_BY: "1"})
    assert (done.returncode, done.stdout) == (1, "")


def test_an_answer_comes_as_ever() -> None:
    command = [sys.executable, "-c", ANSWERS.format("print('told')")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=asking())
    assert done.stdout.splitlines()[-1] == "told"
