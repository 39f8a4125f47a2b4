"""When training shards were opened or read, and when files of a work folder were written: the kernel's inotify.

Reading through a mapping is not seen, its opening is. Who read is not told, so the answer speaks of one process only
where nobody else uses the machine. Linux; elsewhere, and where the kernel's watches are used up, nothing is known.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.logs.spans import Spans

IN_ACCESS, IN_MODIFY, IN_CLOSE_WRITE, IN_OPEN, IN_MOVED_TO, IN_CREATE = 0x1, 0x2, 0x8, 0x20, 0x80, 0x100
IN_Q_OVERFLOW, IN_ISDIR, IN_ONLYDIR, IN_DONT_FOLLOW = 0x4000, 0x40000000, 0x01000000, 0x02000000
READ = IN_ACCESS | IN_OPEN
WRITTEN = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE
IN_NONBLOCK, IN_CLOEXEC = 0o4000, 0o2000000
HEAD = struct.Struct("iIII")
POLL_S = 0.1
REST_S = 0.02
"""Between two looks at what happened: a script that reads in small pieces must not keep us busy."""
MOST_FILES, MOST_FOLDERS = 4096, 256
"""Of a work folder; of a script that writes more, nothing is known."""


class FileWatch:
    """What was seen so far, on this process's monotonic clock."""

    def __init__(self) -> None:
        self.reads = Spans()
        """When a shard was opened or read."""
        self.reads_watched = False
        self.writes: dict[str, float] = {}
        """File below the work folder -> when it was last written, made, or moved there; empty where that cannot be
        told."""
        self._writes_watched = False
        self._descriptor = -1
        self._folders: dict[int, Path] = {}
        self._root = Path()

    def _begin(self, shards: Sequence[Path], folder: Path | None) -> bool:
        if sys.platform != "linux":
            return False
        self._descriptor = int(_libc().inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
        if self._descriptor < 0:
            return False
        self.reads_watched = all(self._add(path, READ) >= 0 for path in shards)
        if folder is not None:
            self._root, self._writes_watched = folder, True
            self._add_folder(folder)
        return True

    def _add(self, path: Path, mask: int) -> int:
        return int(_libc().inotify_add_watch(self._descriptor, os.fsencode(path), mask))

    def _add_folder(self, folder: Path, seen: float | None = None) -> None:
        """Watch a folder and those in it; seen: when one that was made later was, and whatever is in it."""
        if len(self._folders) >= MOST_FOLDERS:
            self._give_up()
            return
        number = self._add(folder, WRITTEN | IN_ONLYDIR | IN_DONT_FOLLOW)
        if number < 0:
            if folder.is_dir():  # else it is gone again
                self._give_up()
            return
        self._folders[number] = folder
        with contextlib.suppress(OSError):
            for path in sorted(folder.iterdir()):
                if path.is_dir() and not path.is_symlink():
                    self._add_folder(path, seen)
                elif seen is not None:
                    self._note(path, seen)

    def _note(self, path: Path, now: float) -> None:
        name = path.relative_to(self._root).as_posix()
        if name not in self.writes and len(self.writes) >= MOST_FILES:
            self._give_up()
        if self._writes_watched:
            self.writes[name] = now

    def _give_up(self) -> None:
        """Some writing may be missed: then nothing is known of any."""
        self._writes_watched = False
        self.writes.clear()

    def _take(self, data: bytes, now: float) -> None:
        at = 0
        while at < len(data):
            number, mask, _, length = HEAD.unpack_from(data, at)
            name = data[at + HEAD.size : at + HEAD.size + length].rstrip(b"\0")
            at += HEAD.size + length
            if mask & IN_Q_OVERFLOW:
                self.reads.add(now)  # what was lost may have been a reading
                self._give_up()
            elif number not in self._folders:
                if mask & READ:
                    self.reads.add(now)
            elif mask & WRITTEN:
                path = self._folders[number] / os.fsdecode(name)
                if mask & IN_ISDIR:
                    self._add_folder(path, now)
                else:
                    self._note(path, now)

    def _follow(self, over: threading.Event) -> None:
        while True:
            ready, _, _ = select.select([self._descriptor], [], [], POLL_S)
            if ready:
                with contextlib.suppress(BlockingIOError):
                    self._take(os.read(self._descriptor, 1 << 16), time.monotonic())
                over.wait(REST_S)
            elif over.is_set():
                return


@contextlib.contextmanager
def watched(shards: Sequence[Path], folder: Path | None = None) -> Iterator[FileWatch]:
    """Watch shards for reading, and what is below a folder for writing, while the context lasts.

    `reads_watched` is false, and no file written, where that is not possible.
    """
    watch, over = FileWatch(), threading.Event()
    if not watch._begin(shards, folder):
        yield watch
        return
    thread = threading.Thread(target=watch._follow, args=(over,), daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        os.close(watch._descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
