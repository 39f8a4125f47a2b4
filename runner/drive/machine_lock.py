"""This machine alone: a run that takes it whole has no other beside it.

A run whose track lets it share the machine waits for one that does not, and is waited for: what it reads of the
shards, and what it takes of the processors, would be laid to the other's account.
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

WAITING = {
    True: "another golf run is on this machine, and this one's track takes it alone; waiting for it to end",
    False: "another golf run has this machine alone, as its track asks; waiting for it to end",
}


def lock_file() -> Path:
    """Held by this user's runs, by one alone or by several that share; freed by the system when its holder dies."""
    return Path(tempfile.gettempdir()) / f"golf-alone-{os.getuid()}.lock"


@contextmanager
def machine_for(alone: bool, say: Callable[[str], object]) -> Iterator[None]:
    """Hold the machine while the context lasts, alone or beside others; says so once where it has to wait."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(lock_file(), wait=False, shared=not alone))
        except BlockingIOError:
            say(WAITING[alone])
            held.enter_context(locked(lock_file(), shared=not alone))
        yield
