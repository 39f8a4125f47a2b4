"""make mutants: put small faults into each subject's sources, one at a time, and see whether its tests notice.

    python -m tests.mutants --count 10 --seed 3 --only judge clocks

Works on copies of the sources; what is here is not touched. The faults are drawn by the seed alone. Exit code 1
where fewer are noticed than the goal. A fault that no test can notice, because it changes nothing, counts as missed:
whoever reads the list knows better.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.places import ROOT
from tests.mutants.sites import Site, sites
from tests.mutants.subjects import SUBJECTS

GOAL = 0.95
OURS = ("golf_model", "runner", "reports", "tests")
HEAVY = ("numpy", "scipy.stats", "pandas", "pydantic", "ray", "rich.live", "torch", "typer", "yaml")
"""What the tests import of others: once, before any fault is tried."""
PATIENCE_S = 300.0
"""Seconds of a subject's tests after which a fault counts as noticed: they hang."""
COPIED = ("golf_model", "runner", "reports", "tests", "jobs", "docs", "deploy", "pyproject.toml", "README.md")


@dataclass(frozen=True)
class Fault:
    """One fault in one file."""

    subject: str
    source: str
    site: Site

    def __str__(self) -> str:
        return f"{self.source}:{self.site.line}: {' '.join(self.site.old.split())[:60]!r} -> {self.site.new!r}"


def drawn(subject: str, count: int, seed: int) -> list[Fault]:
    """Faults of a subject, the same for the same seed and sources."""
    every = [
        Fault(subject, source, site)
        for source in SUBJECTS[subject].sources
        for site in sites((ROOT / source).read_text())
    ]
    return random.Random(f"{seed} {subject}").sample(every, min(count, len(every)))


def copy_of_all(folder: Path) -> None:
    """The repository's sources, without what is built or run there."""
    for name in COPIED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(path, folder / name)


def noticed(folder: Path, tests: Sequence[str]) -> bool:
    """Whether the tests of a copy fail, or do not end. In a forked process, which need not import what is heavy."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(run_tests(folder, tests))
        except BaseException:
            os._exit(99)
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def run_tests(folder: Path, tests: Sequence[str]) -> int:
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
    how = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants", "-m", "not slow"]
    return int(pytest.main([*how, *tests]))


def tried(faults: Sequence[Fault], folder: Path) -> Iterator[tuple[Fault, bool]]:
    """Each fault and whether it was noticed. RuntimeError where the tests fail without one."""
    for subject in dict.fromkeys(fault.subject for fault in faults):
        if noticed(folder, SUBJECTS[subject].tests):
            raise RuntimeError(f"the tests of {subject} fail as they are; mend that first")
    for fault in faults:
        place = folder / fault.source
        right = place.read_text()
        place.write_text(fault.site.put_into(right))
        try:
            yield fault, noticed(folder, SUBJECTS[fault.subject].tests)
        finally:
            place.write_text(right)


def main(words: Sequence[str] | None = None) -> int:
    """Exit code 0 where the goal is reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=20, help="faults of each subject (20)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()) // 86400, help="what they are drawn by (the day)"
    )
    parser.add_argument("--only", nargs="*", default=list(SUBJECTS), choices=list(SUBJECTS), help="subjects")
    given = parser.parse_args(words)
    faults = [fault for subject in given.only for fault in drawn(subject, given.count, given.seed)]
    print(f"{len(faults)} faults, drawn by {given.seed}", flush=True)
    missed: list[Fault] = []
    for name in HEAVY:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="golf-mutants-") as place:
        copy_of_all(Path(place))
        for fault, seen in tried(faults, Path(place)):
            print(f"{'noticed' if seen else 'MISSED '} {fault}", flush=True)
            missed += [] if seen else [fault]
    for subject in given.only:
        some = [fault for fault in faults if fault.subject == subject]
        lost = sum(fault in missed for fault in some)
        print(f"{subject:<9} {len(some) - lost} of {len(some)} noticed")
    share = 1 - len(missed) / max(1, len(faults))
    print(f"all       {len(faults) - len(missed)} of {len(faults)} noticed: {share:.1%}, goal {GOAL:.0%}")
    return int(share < GOAL)


if __name__ == "__main__":
    sys.exit(main())
