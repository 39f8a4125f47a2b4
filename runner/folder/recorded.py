"""Where a run's record is and what its verdict was, noted in the run folder for whoever looks at the run.

The record itself says more and alone counts. A note says nothing once the ledger has gone on, or the record has gone.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.errors import UserError
from runner.files import write_atomic
from runner.folder.paths import RunFolder
from runner.untrusted import read_json

MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Recorded:
    """A run's record."""

    verdict: str
    place: str
    """Its folder, relative to the output folder."""
    ledger_bytes: int
    """Length of the ledger that it was made of."""


def note_record(run: RunFolder, verdict: str, folder: Path) -> None:
    """Note that the run's record was written to `folder`."""
    root = run.path.parent.parent
    note = Recorded(verdict, os.path.relpath(folder, root), run.ledger.stat().st_size)
    write_atomic(run.recorded, json.dumps(asdict(note)) + "\n")


def record_of(run: RunFolder) -> Recorded | None:
    """The record of a run as it stands; None where there is none, it has gone, or the run has gone on since."""
    try:
        note = Recorded(**read_json(run.recorded, MOST_BYTES))
        there = (run.path.parent.parent / note.place / "results.json").is_file()
        return note if there and run.ledger.stat().st_size == note.ledger_bytes else None
    except (UserError, OSError, TypeError, ValueError):
        return None
