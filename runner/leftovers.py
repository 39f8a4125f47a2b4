"""Work folders of attempts, and whatever a dead attempt left behind: its folder and its processes.

A living attempt holds a lock in its folder and its processes carry the folder's name in their environment; so
what may be swept needs no list that could be wrong. Only this machine, only processes of this user.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from runner.files import locked

FOLDER_PREFIX = "golf-"
LOCK = "lock"
MARKER = "GOLF_ATTEMPT"
"""Environment variable that every process of an attempt carries, so that leftovers can be found."""


def marked(marker: str) -> list[psutil.Process]:
    """Living processes of ours that carry `marker` or a marker that begins with it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            carried = process.environ().get(MARKER, "")
            if carried.startswith(marker) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def kill_marked(marker: str) -> None:
    """Kill what carries `marker`: the last resort when a supervisor itself was killed."""
    for process in marked(marker):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@contextlib.contextmanager
def work_folder(name: str, scratch: Path) -> Iterator[Path]:
    """A locked folder of the attempt's own, gone afterwards; what dead attempts left behind is swept first."""
    sweep(scratch)
    fresh = Path(tempfile.mkdtemp(prefix=".golf-", dir=scratch))
    # Renamed into a name that sweeps only once it is locked, or another sweep could take it in between.
    with locked(fresh / LOCK):
        base = fresh.rename(scratch / f"{FOLDER_PREFIX}{name}-{fresh.name[6:]}")
        try:
            yield base
        finally:
            shutil.rmtree(base, ignore_errors=True)


def sweep(scratch: Path) -> None:
    """Kill what is left of attempts whose worker died, and remove their folders; living ones hold their lock."""
    for folder in scratch.glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(BlockingIOError, OSError), locked(folder / LOCK, wait=False):
            kill_marked(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
