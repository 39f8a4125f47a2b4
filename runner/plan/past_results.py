"""Finished seeds that lie beside where the next ones will be written: in run folders, and in records.

A damaged neighbour is passed over: it must not stop a plan. What follows from the seeds is past_sizes.py's and
claim_plan.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.folder.paths import AttemptFolder, RunFolder
from runner.untrusted import read_json

SHELVES = ("records", "rejected", "unverified", "repacked")


@dataclass(frozen=True)
class PastSeed:
    """One completed attempt, as plain JSON."""

    run: str
    seed: str
    result: dict[str, Any]
    log: Path
    """Of its training; it need not be there."""


def past_seeds(output: Path, wanted: Callable[[dict[str, Any]], bool]) -> Iterator[PastSeed]:
    """Completed attempts under `output` of every job (as job.json holds it) that is `wanted`.

    A seed comes once for each attempt that is kept of it, and again where a record holds it too.
    """
    yield from _of_runs(output, wanted)
    yield from _of_records(output, wanted)


def _of_runs(output: Path, wanted: Callable[[dict[str, Any]], bool]) -> Iterator[PastSeed]:
    for path in sorted((output / "runs").glob("*/job.json")):
        folder, job = RunFolder(path.parent), _loaded(path)
        if not isinstance(job, dict) or not wanted(job):
            continue
        for seed in sorted((folder.path / "seeds").glob("*")):
            for place in sorted(seed.glob("attempt-*/result.json")):
                result = _loaded(place)
                if _completed(result):
                    yield PastSeed(folder.path.name, seed.name, result, AttemptFolder(place.parent).log("train"))


def _of_records(output: Path, wanted: Callable[[dict[str, Any]], bool]) -> Iterator[PastSeed]:
    for shelf in SHELVES:
        for path in sorted((output / shelf).glob("*/*/results.json")):
            record = _loaded(path)
            job = record.get("job") if isinstance(record, dict) else None
            if not isinstance(job, dict) or not wanted(job):
                continue
            results = record.get("results")
            for result in results if isinstance(results, list) else ():
                if _completed(result):
                    seed = str(result.get("seed"))
                    yield PastSeed(str(record.get("run")), seed, result, path.parent / f"train_seed{seed}.log")


def _completed(result: Any) -> bool:
    return isinstance(result, dict) and result.get("status") == "completed"


def _loaded(path: Path) -> Any:
    """A JSON file, or None where it cannot be read."""
    try:
        return read_json(path)
    except UserError:
        return None
