"""One trial: the tests of a copy of the sources, in a forked process, and how they ended.

A loaded machine makes tests late, and what is late may fail or not end, with a fault or without. So an endless loop
is known by the processor's time that it took; a wait for what never comes by sleep for minutes of all processes,
which no load makes them do; other tests that do not end prove nothing; and of what failed it is asked whether it
passes without the fault.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
import pytest

from tests.fixtures.places import ROOT

OURS = ("golf_model", "runner", "reports", "tests")
CPU_S = 120
"""Seconds of a processor after which one process of the tests loops for ever: ten times what they take."""
STILL_S = 180.0
"""Seconds of sleep without use of a processor after which tests wait for ever. `make test` ends them after 300."""
LOOK_S = 1.0
PATIENCE_S = 1800.0
"""Seconds after which nobody knows whether they hang or the machine has no time for them."""


@dataclass(frozen=True)
class Outcome:
    """How the tests of a copy ended."""

    state: Literal["passed", "failed", "loops", "waits", "no end"]
    failed: tuple[str, ...] = ()
    """Test functions that failed, by their ids without parameters."""


def trial(folder: Path, tests: Collection[str], *, to_the_end: bool = False, cpu_s: int = CPU_S) -> Outcome:
    """Run the tests of a copy, in a forked process, which need not import what is heavy.

    to_the_end: whether to go on after a first failure.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
            os._exit(_run(folder, tests, to_the_end, write))
        except BaseException:
            os._exit(99)
    os.close(write)
    status = _wait(child)
    with os.fdopen(read) as pipe:
        failed = () if isinstance(status, str) else tuple(dict.fromkeys(pipe.read().splitlines()))
    if isinstance(status, str):
        return Outcome(status)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return Outcome("loops")
    return Outcome("failed" if status else "passed", failed)


def _wait(child: int) -> int | Literal["waits", "no end"]:
    """The status of a process that has ended; where it did not, and was ended, how it was."""
    give_up = time.monotonic() + PATIENCE_S
    spent, still_since, looked = math.nan, time.monotonic(), time.monotonic()
    while (now := time.monotonic()) < give_up:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if now - looked >= LOOK_S:
            before, spent, looked = spent, _spent(child), now
            if spent != before:
                still_since = now
            elif now - still_since >= STILL_S:
                return _end(child, "waits")
        time.sleep(0.05)
    return _end(child, "no end")


def _spent(root: int) -> float:
    """Seconds of a processor that a process and those below it took so far; nan while one of them wants more."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(root)
        for process in (parent, *parent.children(recursive=True)):
            if process.status() not in (psutil.STATUS_SLEEPING, psutil.STATUS_ZOMBIE):
                return math.nan
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _end(child: int, how: Literal["waits", "no end"]) -> Literal["waits", "no end"]:
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return how


class Failures:
    """Tells which tests failed, as they do."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's set-up, call or tear-down has ended."""
        if report.failed:
            os.write(self.pipe, f"{report.nodeid.partition('[')[0]}\n".encode())


def _run(folder: Path, tests: Collection[str], to_the_end: bool, pipe: int) -> int:
    """pytest's exit code on a copy, in this process, which has imported nothing of it."""
    os.setsid()
    os.chdir(folder)
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    os.environ |= {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path = [str(folder), *(place for place in sys.path if Path(place or ".").resolve() != ROOT)]
    how = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants", "-m", "not slow", "--timeout=0"]
    return int(pytest.main([*how, *([] if to_the_end else ["-x"]), *tests], plugins=[Failures(pipe)]))


def fail_anyway(folder: Path, failed: Sequence[str]) -> set[str]:
    """Those of these tests that fail, or do not end, on a copy without a fault: they prove nothing now."""
    if not failed:
        return set()
    found = trial(folder, failed, to_the_end=True)
    if found.state == "passed":
        return set()
    return set(found.failed) if found.failed else set(failed)
