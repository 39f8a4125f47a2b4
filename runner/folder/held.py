"""How long the launches of a run have held their nodes, those too whose end no driver lived to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.folder.launches import launches
from runner.folder.ledger import check_chain
from runner.folder.paths import RunFolder


@dataclass(frozen=True)
class Held:
    """One launch."""

    seconds: float
    completed: bool
    scored_only: bool


def held(run: RunFolder, entries: Iterable[Mapping[str, Any]]) -> Iterator[Held]:
    """Every launch that these entries of the run's ledger tell of.

    Where nobody timed the end, because the driver was killed, an attempt is counted up to the last that was heard of
    it: when the newest file of its folder was written.
    """
    told = list(entries)
    begun = {
        (entry["seed"], entry["attempt"]): datetime.fromisoformat(entry["time"]).timestamp()
        for entry in told
        if entry["kind"] == "launched"
    }
    for launch in launches(told):
        seconds = launch.seconds
        if seconds is None:
            seconds = _heard(run, launch.seed, launch.attempt, begun[launch.seed, launch.attempt])
        yield Held(seconds, launch.status == "completed", launch.trained_by is not None)


def node_seconds(run: RunFolder) -> float:
    """Seconds that the attempts of a run have held a node."""
    if not run.ledger.exists():
        return 0.0
    return sum(one.seconds for one in held(run, check_chain(run.ledger, unfinished_ok=True)))


def _heard(run: RunFolder, seed: int, attempt: int, begun: float) -> float:
    folder: Path = run.attempt(seed, attempt).path
    files = [path.stat().st_mtime for path in folder.glob("*")] if folder.is_dir() else []
    return max(0.0, max(files, default=0.0) - begun)
