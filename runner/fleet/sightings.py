"""What past runs saw of their nodes: completed seeds, and speed probes; from run folders, records and their ledgers.

What lies there may be anybody's: it is read within bounds, and what is not as golf writes it is counted and passed
over. A seed, or a look at a node, that lies there twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.folder.ledger import check_chain
from runner.record.find import find_record_folders
from runner.results.nodes import NodeReport
from runner.results.runs import RunResult
from runner.untrusted import read_json

MOST_RESULT_BYTES = 64 << 20
MOST_RESULTS = 20_000
"""Seeds that are read; of more the first ones."""


@dataclass
class Sightings:
    """Everything that was seen."""

    seeds: dict[tuple[str, int, int], RunResult] = field(default_factory=dict)
    """(run, seed, attempt) -> its result."""
    looks: dict[str, tuple[NodeReport, bool]] = field(default_factory=dict)
    """Hash of a ledger's entry -> what preflight found on a node, and whether it refused it."""
    unreadable: int = 0


def sightings(folders: Iterable[Path]) -> Sightings:
    """Below these folders: of outputs (with runs/, records/ ...), run folders, record folders. UserError for none."""
    found = Sightings()
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: {'is a file' if folder.exists() else 'is not there'}; give a folder of runs")
        for run in _run_folders(folder):
            _of_run(run, found)
        for record in _record_folders(folder):
            _of_record(record, found)
    return found


def _run_folders(folder: Path) -> list[Path]:
    if (folder / "seeds").is_dir():
        return [folder]
    places = (folder.glob("*/job.json"), folder.glob("runs/*/job.json"))
    return sorted({path.parent for some in places for path in some})


def _record_folders(folder: Path) -> Iterator[Path]:
    """Records lie on shelves; a run folder holds none."""
    shelves = [folder / name for name in ("records", "rejected", "unverified", "repacked")]
    there = [shelf for shelf in shelves if shelf.is_dir()]
    runs = (folder / "runs").is_dir() or (folder / "seeds").is_dir()
    inside = there or ([] if runs or any(folder.glob("*/job.json")) else [folder])
    return (path for path in find_record_folders(inside) if (path / "results.json").is_file())


def _of_run(run: Path, found: Sightings) -> None:
    for place in sorted(run.glob("seeds/*/attempt-*/result.json")):
        _add(run.name, _loaded(place, found), found)
    _of_ledger(run / "ledger.jsonl", found)


def _of_record(record: Path, found: Sightings) -> None:
    stored = _loaded(record / "results.json", found)
    results = stored.get("results") if isinstance(stored, dict) else None
    if isinstance(stored, dict) and "schema_version" in stored and isinstance(results, list):
        for one in results:
            _add(str(stored.get("run")), one, found)
        _of_ledger(record / "ledger.jsonl", found)


def _add(run: str, stored: Any, found: Sightings) -> None:
    if stored is None or len(found.seeds) >= MOST_RESULTS:
        return
    try:
        result = RunResult.model_validate(stored)
    except ValidationError:
        found.unreadable += 1
        return
    if result.status == "completed" and result.host is not None:
        found.seeds.setdefault((run, result.seed, result.attempt), result)


def _of_ledger(path: Path, found: Sightings) -> None:
    if not path.is_file():
        return
    try:
        entries = check_chain(path, unfinished_ok=True)
    except UserError:
        found.unreadable += 1
        return
    for entry in entries:
        if entry.get("kind") != "checked":
            continue
        try:
            report = NodeReport.model_validate(entry.get("report"))
        except ValidationError:
            found.unreadable += 1
            continue
        found.looks.setdefault(entry["hash"], (report, bool(entry.get("refused"))))


def _loaded(path: Path, found: Sightings) -> Any:
    try:
        return read_json(path, MOST_RESULT_BYTES)
    except UserError:
        found.unreadable += 1
        return None
