"""make mutants: put small faults into each subject's sources, one at a time, and see whether its tests notice.

    python -m tests.mutants --count 10 --seed 3 --only judge clocks

Works on copies of the sources; what is here is not touched. The faults are drawn by the seed alone. Exit code 1
where fewer are noticed than the goal. A fault that no test can notice, because it changes nothing, counts as missed:
whoever reads the list knows better. So does one of which nothing is known, because the machine was too busy.
"""

from __future__ import annotations

import argparse
import importlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.fixtures.places import ROOT
from tests.mutants.sites import Site, sites
from tests.mutants.subjects import SUBJECTS
from tests.mutants.trial import Outcome, fail_anyway, trial

GOAL = 0.95
HEAVY = ("numpy", "scipy.stats", "pandas", "pydantic", "ray", "rich.live", "torch", "typer", "yaml")
"""What the tests import of others: once, before any fault is tried."""
Proof = Literal["noticed", "MISSED", "UNDECIDED"]
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


def tried(faults: Sequence[Fault], folder: Path) -> Iterator[tuple[Fault, Outcome]]:
    """Each fault and how the tests ended with it. RuntimeError where they fail without one."""
    for subject in dict.fromkeys(fault.subject for fault in faults):
        clean = trial(folder, SUBJECTS[subject].tests)
        if clean.state != "passed":
            told = f"the tests of {subject} end with `{clean.state}` as they are"
            raise RuntimeError(f"{told}: {', '.join(clean.failed) or 'none failed'}; mend that first")
    for fault in faults:
        place = folder / fault.source
        right = place.read_text()
        place.write_text(fault.site.put_into(right))
        try:
            yield fault, trial(folder, SUBJECTS[fault.subject].tests)
        finally:
            place.write_text(right)


def proof(outcome: Outcome, unreliable: Collection[str]) -> Proof:
    """What the end of the tests says of a fault. unreliable: tests that fail without one, too."""
    if outcome.state == "passed":
        return "MISSED"
    doubtful = outcome.state == "no end" or bool(outcome.failed and set(outcome.failed) <= set(unreliable))
    return "UNDECIDED" if doubtful else "noticed"


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
    for name in HEAVY:
        importlib.import_module(name)
    ends: list[tuple[Fault, Outcome]] = []
    with tempfile.TemporaryDirectory(prefix="golf-mutants-") as place:
        copy_of_all(Path(place))
        for fault, outcome in tried(faults, Path(place)):
            told = f" ({outcome.state})" if outcome.state in ("loops", "waits", "no end") else ""
            print(f"{proof(outcome, ()):<9} {fault}{told}", flush=True)
            ends.append((fault, outcome))
        again = fail_anyway(Path(place), sorted({name for _, outcome in ends for name in outcome.failed}))
    for name in sorted(again):
        print(f"fails without a fault, too, and proves nothing: {name}")
    judged = [(fault.subject, proof(outcome, again)) for fault, outcome in ends]
    for subject in given.only:
        print(_line(subject, [one for whose, one in judged if whose == subject]))
    print(f"{_line('all', [one for _, one in judged])}: {_share(judged):.1%}, goal {GOAL:.0%}")
    return int(_share(judged) < GOAL)


def _line(name: str, found: Sequence[Proof]) -> str:
    undecided = found.count("UNDECIDED")
    more = f" ({undecided} undecided: on this machine, now, the tests do not end or fail as they are)"
    return f"{name:<9} {found.count('noticed')} of {len(found)} noticed{more if undecided else ''}"


def _share(judged: Sequence[tuple[str, Proof]]) -> float:
    """Of all faults, those that were noticed for sure."""
    return sum(one == "noticed" for _, one in judged) / max(1, len(judged))


if __name__ == "__main__":
    sys.exit(main())
