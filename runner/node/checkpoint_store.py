"""What outlives a killed attempt on its node: the script's checkpoints, and how long each of its lives trained.

A seed that may be resumed has a folder of its own in golf's folder of work folders, held by a lock while an attempt
lives. Each attempt's supervisor notes its clock there once a second, on its own monotonic clock, so that when a
process, a worker or the machine dies, what it had trained is known to the second. A later attempt of the same seed
counts all of it (RULES: lost work included) and goes on from the newest checkpoint. The folder goes when the seed has
ended; folders that nobody came back for are swept after two weeks.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.files import locked, remove_tree
from runner.logs.clocks import journal_clocks
from runner.results import Segment

FOLDER = ".kept"
"""Begins with a dot, so that the sweep of work folders leaves it alone."""
FORGOTTEN_AFTER_S = 14 * 86_400.0
LOCK = "lock"


@dataclass(frozen=True)
class CheckpointStore:
    """One seed's folder."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Where the script keeps its checkpoints."""
        return self.path / "checkpoints"

    def journal(self, attempt: int) -> Path:
        """Where the supervisor of an attempt notes its clock."""
        return self.path / f"attempt-{attempt}.json"

    def begin(self, attempt: int, *, afresh: bool = False) -> list[Segment]:
        """How long each attempt that this one goes on from trained.

        Where no checkpoint is left, none is wanted (`afresh`), or a life's note cannot be read (a power cut leaves it
        empty) and so not be counted, there is nothing to go on from: earlier lives are forgotten, and the seed starts
        on a fresh clock.
        """
        journals = {
            int(number): path
            for path in self.path.glob("attempt-*.json")
            if (number := path.stem.removeprefix("attempt-")).isdecimal()
        }
        lives = [noted_life(number, path) for number, path in sorted(journals.items()) if number < attempt]
        counted = [life for life in lives if life is not None]
        if afresh or len(counted) < len(lives):
            remove_tree(self.checkpoints)
        if self.checkpoints.is_dir():
            return counted
        for path in journals.values():
            path.unlink()
        return []

    def forget(self) -> None:
        """The seed has ended: nothing is to be resumed."""
        remove_tree(self.path)


def noted_life(attempt: int, journal: Path) -> Segment | None:
    """How long an attempt trained by the last note of its supervisor; None where that cannot be read."""
    try:
        official, strict = journal_clocks(json.loads(journal.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Segment(attempt=attempt, clock=official, strict_clock=strict)


@contextlib.contextmanager
def open_checkpoint_store(name: str, scratch: Path) -> Iterator[CheckpointStore | None]:
    """The store of a seed, locked; None for an empty name, or while another attempt of the same seed lives here."""
    if not name:
        yield None
        return
    root = scratch / FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep_forgotten(root)
    store = CheckpointStore(root / name)
    store.path.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(store.path / LOCK, wait=False))
        except BlockingIOError:
            yield None
            return
        yield store


def sweep_forgotten(root: Path) -> None:
    """Remove stores that nothing has been written to for two weeks; a living attempt notes its clock each second."""
    oldest = time.time() - FORGOTTEN_AFTER_S
    for path in root.iterdir():
        with contextlib.suppress(OSError):
            newest = max((file.stat().st_mtime for file in path.rglob("*")), default=path.stat().st_mtime)
            if newest < oldest:
                with locked(path / LOCK, wait=False):  # whatever the clock says: a living attempt holds it
                    remove_tree(path)
