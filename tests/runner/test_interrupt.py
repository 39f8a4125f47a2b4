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


HANGUP = """
import os, signal, sys
from runner.interrupt import Interrupted, catch_signals
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))
catch_signals()
try:
    os.kill(os.getpid(), signal.SIGHUP)
    print("goes on")
except Interrupted:
    print("interrupted")
"""


@pytest.mark.parametrize(("before", "told"), [("SIG_DFL", "interrupted"), ("SIG_IGN", "goes on")])
def test_a_lost_terminal_interrupts_unless_nohup_has_it_ignored(before: str, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", HANGUP, before], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{told}\n")


GOLF = """
import os, signal, sys
from runner.cli import entry
entry.app = lambda: os.kill(os.getpid(), signal.SIGINT)
entry.main()
"""


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("run", "golf: interrupted; finished seeds are kept and the same command continues\n"),
        ("audit", "golf: interrupted\n"),
    ],
)
def test_only_a_verb_that_trains_speaks_of_seeds_when_it_is_interrupted(verb: str, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", GOLF, verb], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, told)
