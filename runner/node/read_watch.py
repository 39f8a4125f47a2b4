"""When files were last opened or read, by anybody on this machine: the kernel's inotify, through the C library.

Reading through a mapping is not seen, its opening is. Who read is not told, so the answer speaks of one process only
where nobody else uses the machine. Linux; elsewhere, and where the kernel's watches are used up, nothing is known.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

IN_ACCESS, IN_OPEN = 0x1, 0x20
IN_NONBLOCK, IN_CLOEXEC = 0o4000, 0o2000000
POLL_S = 0.1


class Reads:
    """What was seen so far; `last` is on this process's monotonic clock."""

    def __init__(self) -> None:
        self.last: float | None = None
        self.watching = False


@contextlib.contextmanager
def watched(paths: Sequence[Path]) -> Iterator[Reads]:
    """Watch files while the context lasts; `watching` is false where that is not possible."""
    reads = Reads()
    descriptor = _watch(paths)
    if descriptor is None:
        yield reads
        return
    reads.watching = True
    over = threading.Event()
    thread = threading.Thread(target=_follow, args=(descriptor, reads, over), daemon=True)
    thread.start()
    try:
        yield reads
    finally:
        over.set()
        thread.join()
        os.close(descriptor)


def _watch(paths: Sequence[Path]) -> int | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
    if descriptor < 0:
        return None
    for path in paths:
        if libc.inotify_add_watch(descriptor, os.fsencode(path), IN_ACCESS | IN_OPEN) < 0:
            os.close(descriptor)
            return None
    return int(descriptor)


def _follow(descriptor: int, reads: Reads, over: threading.Event) -> None:
    while True:
        ready, _, _ = select.select([descriptor], [], [], POLL_S)
        if ready:
            reads.last = time.monotonic()
            with contextlib.suppress(BlockingIOError):
                os.read(descriptor, 1 << 16)  # what happened where does not matter, that it did does
        elif over.is_set():
            return
