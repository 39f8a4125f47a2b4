"""What outlives a killed attempt on its node: the script's checkpoints, and how long each of its lives trained.

A seed that may be resumed has a folder of its own in golf's folder of work folders, held by a lock while an attempt
lives. Each attempt's supervisor notes its clock there once a second, on its own monotonic clock, so that when a
process, a worker or the machine dies, what it had trained is known to the second. A later attempt of the same seed
counts all of it (RULES: lost work included) and goes on from the newest checkpoint. Which lives those are, the driver
says from its ledger (runner.lives.counted_lives); a checkpoint of any other life is removed. The folder goes when the
seed has ended; folders that nobody came back for are swept after two weeks.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.files import locked, remove_tree, write_atomic
from runner.lives.counted_lives import KnownLife, any_entry, counted_lives
from runner.results.phases import Segment

FOLDER = ".kept"
"""Begins with a dot, so that the sweep of work folders leaves it alone."""
FORGOTTEN_AFTER_S = 14 * 86_400.0
LOCK = "lock"
UNBORN = {"now": 0.0, "paused": 0.0, "events": {}, "over": False}
"""The note of a life whose supervisor has not noted anything yet."""


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

    def begun(self, attempt: int) -> Path:
        """Which launch an attempt is, and which lives it went on from: written once, before it starts."""
        return self.path / f"attempt-{attempt}.begun"

    def begin(
        self, attempt: int, launch: str, lives: Sequence[KnownLife] = (), *, afresh: bool = False
    ) -> tuple[list[Segment], str]:
        """How long each attempt that this one goes on from trained, and why it goes on from none although there was
        something; '' where nothing is to be said.

        launch: of this attempt, as the ledger has it. lives: the earlier ones that the ledger knows. afresh: go on
        from nothing. Where the checkpoints are not those of lives that are all known and counted, they are removed,
        with all that is noted beside them, and the seed starts on a fresh clock.
        """
        earlier: list[Segment] = []
        why = ""
        if not afresh and any_entry(self.checkpoints):
            earlier, why = counted_lives(self.path, self.checkpoints, lives)
        if not earlier:
            remove_tree(self.checkpoints)
            for path in [*self.path.glob("attempt-*.json"), *self.path.glob("attempt-*.begun")]:
                path.unlink()
        after = [life.attempt for life in earlier]
        write_atomic(self.begun(attempt), json.dumps({"launch": launch, "after": after}))
        write_atomic(self.journal(attempt), json.dumps(UNBORN))
        return earlier, why

    def forget(self) -> None:
        """The seed has ended: nothing is to be resumed."""
        remove_tree(self.path)


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
