"""Files that a script reads: those in its folder, and those that it would write, which never reach the disk."""

from __future__ import annotations

import posixpath
from pathlib import Path

from runner.errors import UserError
from runner.review.source.decoders import MOST
from runner.untrusted import is_regular, read_bytes

HOME = "/beside"
"""The script's own folder, in its eyes."""
TEMPORARY = "/temporary"
MOST_WRITTEN = 2_000
"""Files that a script writes."""


class Beside:
    """The files of one script, by paths as it would see them."""

    def __init__(self, folder: Path, script: str = "") -> None:
        """folder: of the script; script: its name, by which it may look for its payload."""
        self.folder = folder
        self.script = script
        self.written: dict[str, bytes | str] = {}

    def normal(self, path: str) -> str:
        """A path from the script's folder on."""
        return posixpath.normpath(posixpath.join(HOME, path))

    def within(self, path: str) -> Path | None:
        """The file on disk that a path names; None where that is outside the script's folder."""
        name = self.normal(path)
        if not name.startswith(f"{HOME}/") or "\0" in name:
            return None
        place = self.folder
        for part in name.removeprefix(f"{HOME}/").split("/"):
            if place.is_symlink() and place != self.folder:
                return None
            place = place / part
        return place

    def exists(self, path: str) -> bool:
        """Whether the script would find a file there."""
        if self.normal(path) in self.written:
            return True
        place = self.within(path)
        return place is not None and is_regular(place)

    def read(self, path: str) -> bytes | str | None:
        """What a file holds, as it was written or as bytes; None where there is none that may be read."""
        name = self.normal(path)
        if name in self.written:
            return self.written[name]
        place = self.within(path)
        if place is None or not is_regular(place):
            place = self._renamed(name)
        if place is None:
            return None
        try:
            return read_bytes(place, MOST)
        except UserError:
            return None

    def _renamed(self, name: str) -> Path | None:
        """The only file of its kind, for a script that looks for its payload by its own name and was renamed."""
        stem = self.script.partition(".")[0]
        before, _, ending = name.removeprefix(f"{HOME}/").partition(".")
        if not stem or before != stem or ending in ("", "py"):
            return None
        alike = [path for path in sorted(self.folder.glob(f"*.{ending}")) if is_regular(path)]
        return alike[0] if len(alike) == 1 else None

    def write(self, path: str, content: bytes | str) -> None:
        """Keep what the script would write; nothing reaches the disk."""
        if len(self.written) < MOST_WRITTEN:
            self.written[self.normal(path)] = content

    def module(self, name: str, near: str = HOME) -> str | None:
        """The path of a module's source beside a file in `near`, or beside the script; None where it is not there."""
        inner = name.replace(".", "/")
        for folder in dict.fromkeys((near, HOME, TEMPORARY)):
            for path in (f"{folder}/{inner}.py", f"{folder}/{inner}/__init__.py"):
                if self.exists(path):
                    return self.normal(path)
        return None
