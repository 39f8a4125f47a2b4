"""The files that show what an attempt did: its logs, in the order in which a record joins them, and its events.

A result carries their sizes and hashes, so that a ledger that vouches for the result vouches for them, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner.files import sha256_file
from runner.folder.paths import AttemptFolder
from runner.results.runs import EvidenceFile


def log_paths(attempt: AttemptFolder, earlier: Iterable[int] = (), trained_by: int | None = None) -> list[Path]:
    """Logs of the lives that it went on from, of training and of evaluation; those that there are.

    earlier: attempts of those lives; trained_by: the attempt whose artifact it scored, where it trained none itself.
    """
    trained = attempt if trained_by is None else attempt.other(trained_by)
    lives = [attempt.other(number).log("train") for number in earlier]
    return [path for path in (*lives, trained.log("train"), attempt.log("eval")) if path.is_file()]


def evidence_of(
    attempt: AttemptFolder, earlier: Iterable[int] = (), trained_by: int | None = None
) -> list[EvidenceFile]:
    """Logs and events of an attempt as they lie on disk now, each by name, size and hash."""
    events = [attempt.events] if trained_by is None else [attempt.other(trained_by).events, attempt.events]
    logs = log_paths(attempt, earlier, trained_by)
    return [
        EvidenceFile(
            name=path.relative_to(attempt.path.parent).as_posix(), bytes=path.stat().st_size, sha256=sha256_file(path)
        )
        for path in (*logs, *(path for path in events if path.is_file()))
    ]
