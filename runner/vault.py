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
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.clocks import journal_clocks
from runner.files import locked
from runner.results import Segment

FOLDER = ".kept"
"""Begins with a dot, so that the sweep of work folders leaves it alone."""
FORGOTTEN_AFTER_S = 14 * 86_400.0
LOCK = "lock"


@dataclass(frozen=True)
class Vault:
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

        Where no checkpoint is left, or none is wanted (`afresh`), there is nothing to go on from: earlier lives are
        forgotten, and the seed starts on a fresh clock.
        """
        if afresh:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
        earlier = []
        for path in self.path.glob("attempt-*.json"):
            number = path.stem.removeprefix("attempt-")
            if not self.checkpoints.is_dir():
                path.unlink()
            elif number.isdecimal() and int(number) < attempt:
                official, strict = journal_clocks(json.loads(path.read_text(encoding="utf-8")))
                earlier.append(Segment(attempt=int(number), clock=official, strict_clock=strict))
        return sorted(earlier, key=lambda segment: segment.attempt)

    def forget(self) -> None:
        """The seed has ended: nothing is to be resumed."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def open_vault(name: str, scratch: Path) -> Iterator[Vault | None]:
    """The vault of a seed, locked; None for an empty name, or while another attempt of the same seed lives here."""
    if not name:
        yield None
        return
    root = scratch / FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep_forgotten(root)
    vault = Vault(root / name)
    vault.path.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(vault.path / LOCK, wait=False))
        except BlockingIOError:
            yield None
            return
        yield vault


def sweep_forgotten(root: Path) -> None:
    """Remove vaults that nothing has been written to for two weeks; a living attempt notes its clock every second."""
    oldest = time.time() - FORGOTTEN_AFTER_S
    for path in root.iterdir():
        with contextlib.suppress(OSError):
            newest = max((file.stat().st_mtime for file in path.rglob("*")), default=path.stat().st_mtime)
            if newest < oldest:
                with locked(path / LOCK, wait=False):  # whatever the clock says: a living attempt holds it
                    shutil.rmtree(path, ignore_errors=True)
