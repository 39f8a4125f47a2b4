"""Gets hold of what scripts write of themselves in their work folders, which are removed when their attempts end.

A script reaches nothing outside its folder, and finds no variable of its node. So each file of it is given a second
name as soon as it is there: what is written later is seen there, too, whatever becomes of the work folder.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from tests.chaos.jobs import TRUTH

EVERY_S = 0.02
"""So long a script may live that is never seen."""


class Witness(threading.Thread):
    """Looks into a folder of work folders until it is stopped. truth: where the second names stand."""

    def __init__(self, scratch: Path, truth: Path) -> None:
        super().__init__(daemon=True, name="witness")
        self.scratch = scratch
        self.truth = truth
        self.attempts: set[str] = set()
        """Names of all work folders that were seen."""
        self.ended = threading.Event()
        truth.mkdir()
        self.start()

    def run(self) -> None:
        while not self.ended.is_set():
            self.look()
            time.sleep(EVERY_S)

    def look(self) -> None:
        """Once; whatever goes away meanwhile is left out."""
        with contextlib.suppress(OSError):
            for base in self.scratch.iterdir():
                if not base.name.startswith("."):
                    self.attempts.add(base.name)
                    for phase in ("train", "eval"):
                        self._link(base / phase)

    def _link(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            for path in folder.glob(f"{TRUTH}*"):
                with contextlib.suppress(OSError):  # most have that name already
                    os.link(path, self.truth / path.name.removeprefix(TRUTH))

    def stop(self) -> None:
        """Look no more."""
        self.ended.set()
        self.join()
