"""How long launches held their nodes, by a ledger that a killed driver left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runner.folder.held import Held, held
from runner.folder.paths import RunFolder

BEGUN = "2026-01-01T00:00:00Z"
EPOCH = 1767225600.0


def entry(kind: str, attempt: int, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "seed": 1, "attempt": attempt, "time": BEGUN, **more}


def test_an_attempt_whose_driver_was_killed_is_counted_to_the_last_that_was_heard_of_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for attempt, seconds in ((2, 90.0), (3, -5.0)):
        folder = run.attempt(1, attempt).path
        folder.mkdir(parents=True)
        (folder / "train.log").write_text("step:1\n")
        os.utime(folder / "train.log", (EPOCH + seconds, EPOCH + seconds))
    entries = [
        entry("launched", 1),
        entry("finished", 1, status="completed", held_seconds=12.5),
        entry("launched", 2),
        entry("launched", 3),
        entry("launched", 4, trained_by=1),
        entry("finished", 4, status="completed", held_seconds=2.0),
    ]
    assert list(held(run, entries)) == [
        Held(12.5, completed=True, scored_only=False),
        Held(90.0, completed=False, scored_only=False),
        Held(0.0, completed=False, scored_only=False),
        Held(2.0, completed=True, scored_only=True),
    ]
