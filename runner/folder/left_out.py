"""What was run and is in no record: attempts that the ledger does not know, or that gave way to another one, and runs
of the same script under another name. Read from the folder of all runs; what was removed from there nobody can see.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.folder.paths import RunFolder
from runner.printable import cut
from runner.results.runs import LeftOut, RunResult
from runner.untrusted import opened

MOST_LINE = 1 << 20
"""Bytes of a ledger's first line that are read of a run beside this one."""
MOST_RUNS = 10_000
"""Runs beside this one that are looked at."""


def left_out(
    run: RunFolder, entries: Sequence[Mapping[str, Any]], results: Iterable[RunResult], script_sha256: str
) -> LeftOut:
    """Look for what this run's record does not count. entries: its ledger's."""
    again, others = runs_beside(run, script_sha256, {seed for one in registrations(entries) for seed in one})
    return LeftOut(
        unledgered=unledgered(run, entries), replaced=replaced(entries, results), elsewhere=again, same_script=others
    )


def registrations(entries: Iterable[Mapping[str, Any]]) -> list[list[int]]:
    """The seeds of each registration."""
    return [list(entry["seeds"]) for entry in entries if entry["kind"] == "registered"]


def named(seed: int, attempt: int) -> str:
    """What an attempt is called for people."""
    return f"seed {seed} attempt {attempt}"


def unledgered(run: RunFolder, entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Attempts on disk that no entry queued. An empty folder is one whose driver died before it could do so."""
    queued = {(entry["seed"], entry["attempt"]) for entry in entries if entry["kind"] in ("queued", "launched")}
    seeds = sorted({int(path.name) for path in (run.path / "seeds").glob("*") if path.name.isdecimal()})
    return [
        named(seed, folder.number)
        for seed in seeds
        for folder in run.attempts(seed)
        if (seed, folder.number) not in queued and any(folder.path.iterdir())
    ]


def replaced(entries: Iterable[Mapping[str, Any]], results: Iterable[RunResult]) -> list[str]:
    """Attempts that the ledger saw complete, of seeds of which another attempt counts, or none."""
    counted = {(result.seed, result.attempt) for result in results}
    done = [(e["seed"], e["attempt"]) for e in entries if e["kind"] == "finished" and e["status"] == "completed"]
    return [named(*one) for one in dict.fromkeys(done) if one not in counted]


def runs_beside(run: RunFolder, script_sha256: str, seeds: set[int]) -> tuple[list[str], list[str]]:
    """(runs of the very same job under another name that have some of these seeds; others of the same script)."""
    name, _, mark = run.path.name.rpartition("-")
    again: list[str] = []
    others: list[str] = []
    for place in sorted(run.path.parent.glob("*/ledger.jsonl"))[:MOST_RUNS]:
        theirs, _, their_mark = place.parent.name.rpartition("-")
        if theirs == name or (first := first_entry(place)).get("script_sha256") != script_sha256:
            continue
        told = first.get("seeds")
        shared = sorted(seeds & {seed for seed in told if isinstance(seed, int)}) if isinstance(told, list) else []
        (again if their_mark == mark and shared else others).append(cut(place.parent.name))
    return again, others


def first_entry(ledger: Path) -> dict[str, Any]:
    """A ledger's first entry; {} where it cannot be read."""
    try:
        with opened(ledger) as handle:
            found = json.loads(handle.readline(MOST_LINE))
    except (UserError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
