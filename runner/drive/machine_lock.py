"""This machine alone: two runs that each take it whole, started side by side, go one after the other.

On a cluster the shared queue sees to that (runner.backends.fair_queue). Without one every `golf run` starts a Ray of
its own, which knows nothing of the others, and both seeds' clocks would be of half a machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runner.files import locked

WAITING = "another golf run has this machine alone, as its track asks; waiting for it to end"


def lock_file() -> Path:
    """Held by this user's run that has the machine alone; freed by the system when its holder dies."""
    return Path(tempfile.gettempdir()) / f"golf-alone-{os.getuid()}.lock"


@contextmanager
def machine_alone(wanted: bool, say: Callable[[str], object]) -> Iterator[None]:
    """Hold the machine while the context lasts, if that is wanted; says so once where it has to wait."""
    with ExitStack() as held:
        if wanted:
            try:
                held.enter_context(locked(lock_file(), wait=False))
            except BlockingIOError:
                say(WAITING)
                held.enter_context(locked(lock_file()))
        yield
