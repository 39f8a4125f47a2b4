"""Signals end the command once, whoever else handles them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

RAYS = """
import os, signal, sys
from runner.interrupt import Interrupted, beside_others, stopped
try:
    with beside_others():
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
        if sys.argv[1] == "during":
            os.kill(os.getpid(), signal.SIGTERM)
        if sys.argv[1] == "exits":
            sys.exit(1)
    os.kill(os.getpid(), signal.SIGTERM)
except Interrupted:
    print("interrupted by", stopped)
"""


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_signal_while_or_after_ray_starts_is_an_interrupt_and_not_its_number(when: str) -> None:
    done = subprocess.run([sys.executable, "-c", RAYS, when], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"interrupted by [{int(signal.SIGTERM)}]\n")


def test_an_exit_that_no_signal_made_stays_one() -> None:
    assert subprocess.run([sys.executable, "-c", RAYS, "exits"], check=False).returncode == 1
