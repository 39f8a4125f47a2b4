"""The one door for what others wrote: files, JSON and folders come in bounded, or are refused with what to do.

A path may lead to a device, a pipe, a socket or a link out of its folder; a file may be larger than memory, or small
and unfold to more than memory. Only regular files are opened, never waiting for one, and bytes, values, depth and
entries are counted before anything is built of them. What a file means is its caller's question.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pydantic_core

from runner.errors import UserError
from runner.printable import cut

MOST_BYTES = 256 << 20
"""Of a file that is read whole, unless its caller says less."""
MOST_VALUES = 11_000_000
"""Of a JSON text: each takes some 70 bytes of memory. A record of 20,000 seeds has that many."""
MOST_KEYS = 50_000
"""Of one mapping."""
MOST_DEPTH = 200
"""Lists and mappings inside one another, as pydantic's parser counts them."""
MOST_DIGITS = 30
"""Of a whole number."""
MOST_ENTRIES, DEEPEST = 100_000, 32
"""Files and folders below a folder that is walked, and folders inside one another."""
LARGE = re.compile(rb"[eE]\+?\d{3}|\d{%d}" % MOST_DIGITS)
"""What a number holds that may be larger than any that is read."""
MOST_SHOWN = 300
"""Characters of a path in a message."""
PIECE = 1 << 20
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


def refused(path: Path, why: str) -> UserError:
    """The error of a file that is not read."""
    return UserError(f"{cut(str(path), MOST_SHOWN)}: {why}")


@contextmanager
def opened(path: Path, *, links: bool = False) -> Iterator[IO[bytes]]:
    """A regular file, open for reading; UserError for anything else, and where it is missing or cannot be read.

    links: whether the path itself may be a link, as one that a user typed may be, and one in a received folder not.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | (0 if links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise refused(path, _why_not(path, error, links)) from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise refused(path, f"is not a file but {KINDS.get(kind, 'something odd')}; put the file itself there")
    with os.fdopen(descriptor, "rb") as handle:
        try:
            yield handle
        except OSError as error:
            raise refused(path, f"cannot be read: {error.strerror or error}") from None


def _why_not(path: Path, error: OSError | ValueError, links: bool) -> str:
    if isinstance(error, ValueError):
        return "is no path: it holds a NUL character"
    if error.errno == errno.ELOOP:
        return "is a link that leads in a circle" if links else "is not a file but a link; put the file itself there"
    if error.errno == errno.ENXIO:  # a socket, or a device without a driver
        return "is not a file but a socket or a device; put the file itself there"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "no such file"
    if error.errno == errno.ENAMETOOLONG:
        return "no such file: the name is longer than any can be"
    return f"cannot be read: {error.strerror or error}"


def reason_of(error: UserError) -> str:
    """What one of these errors says after the path that it begins with."""
    return str(error).partition(": ")[2]


def is_regular(path: Path, *, links: bool = False) -> bool:
    """Whether a path leads to a regular file, and unless `links` is none itself; False where nobody can tell."""
    try:
        return stat.S_ISREG((path.stat() if links else path.lstat()).st_mode)
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, most: int = MOST_BYTES, *, links: bool = False) -> bytes:
    """A whole file; UserError as `opened`, and where it has more than `most` bytes, of which no more are read."""
    with opened(path, links=links) as handle:
        size = os.fstat(handle.fileno()).st_size
        if size <= most:
            content = handle.read(size + 1) or b""  # not most + 1: Python makes room for all that it is asked for
            while len(content) > size and len(content) <= most:  # it grows, or is none that knows its size
                size = len(content)
                content += handle.read(PIECE) or b""
            size = len(content)
        if size > most:
            raise refused(path, f"{size:,} bytes; at most {most:,} are read")
        return content


def read_text(path: Path, most: int = MOST_BYTES, *, links: bool = False) -> str:
    """The same as UTF-8 text, without a byte-order mark."""
    try:
        return read_bytes(path, most, links=links).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(path, f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def read_json(path: Path, most: int = MOST_BYTES, *, links: bool = False) -> Any:
    """What a JSON file holds; UserError as `read_bytes` and `json_of`."""
    return json_of(read_bytes(path, most, links=links), str(path))


def json_of(content: bytes | str, source: str, *, most_values: int = MOST_VALUES) -> Any:
    """What a JSON text says; UserError, that begins with `source`, for what is none or would take too much to hold.

    Refused are numbers that are not finite or have no end of digits, half surrogate pairs, a key that stands twice in
    one mapping, and more than `most_values` values or MOST_DEPTH levels.
    """
    require_plain_json(content, source, most_values=most_values)
    try:
        return pydantic_core.from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise _no_json(source, error) from None


def require_plain_json(content: bytes | str, source: str, *, most_values: int = MOST_VALUES) -> None:
    """UserError as `json_of` for what pydantic, which is to build the values, would let pass or choke on."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    values = raw.count(b",") + raw.count(b"[") + raw.count(b"{")
    if values > most_values:
        raise UserError(f"{cut(source, MOST_SHOWN)}: holds about {values:,} values; at most {most_values:,} are read")
    # Looking at each number takes as long as all the rest, and few files have one that might be too large.
    whole, real = (_whole, _finite) if LARGE.search(raw) else (None, None)
    try:
        json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number, parse_int=whole, parse_float=real)
    except (ValueError, RecursionError) as error:
        raise _no_json(source, error) from None


def _no_json(source: str, error: ValueError | RecursionError) -> UserError:
    where = cut(source, MOST_SHOWN)
    if "recursion" in str(error):  # jiter's words and Python's
        return UserError(f"{where}: is not JSON: nested deeper than {MOST_DEPTH} levels")
    return UserError(f"{where}: is not JSON: {cut(str(error))}")


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Looks at a mapping's keys, and keeps nothing of it."""
    if len(pairs) > MOST_KEYS:
        raise ValueError(f"a mapping of {len(pairs):,} keys; at most {MOST_KEYS:,} are read")
    if len(dict(pairs)) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise ValueError(f"key {twice!r} stands twice; keep one of them")


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(text)} digits; at most {MOST_DIGITS} are read")
    return 0


def _finite(text: str) -> int:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text[:40]} is not a finite number")
    return 0


def _no_number(name: str) -> int:
    raise ValueError(f"{name} is not a finite number")


def files_below(folder: Path, most: int = MOST_ENTRIES) -> list[Path]:
    """Everything below a folder that is no folder itself, links among it and never followed, sorted by path.

    UserError where there is more than `most` of it, or folders are nested deeper than DEEPEST.
    """
    found: list[Path] = []
    pending, seen = [(folder, 0)], 0
    while pending:
        place, depth = pending.pop()
        if depth > DEEPEST:
            raise refused(folder, f"folders nested deeper than {DEEPEST}; give the folder of a record alone")
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most:
                        raise refused(folder, f"more than {most:,} files; give the folder of a record alone")
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((place / entry.name, depth + 1))
                    else:
                        found.append(place / entry.name)
        except (OSError, ValueError) as error:
            raise refused(place, f"cannot be looked into: {getattr(error, 'strerror', None) or error}") from None
    return sorted(found)


def walked(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """(folder, names of folders in it, other names) from `root` down, as os.walk without links; for searches.

    Whoever iterates may take folders out of the list. What lies deeper than DEEPEST, or cannot be looked into, is
    left out; unlike os.walk it does not recurse, so that no depth of folders stops it.
    """
    pending = [(root, 0)]
    while pending:
        place, depth = pending.pop()
        folders: list[str] = []
        others: list[str] = []
        with suppress(OSError, ValueError), os.scandir(place) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
        folders.sort()
        yield place, folders, sorted(others)
        if depth < DEEPEST:
            pending += [(place / name, depth + 1) for name in reversed(folders)]


def pieces_of(path: Path, *, links: bool = False) -> Iterator[bytes]:
    """A regular file's content in pieces; UserError as `opened`. An error of who takes them stays that error."""
    with opened(path, links=links) as handle:
        while piece := handle.read(PIECE):
            yield piece


def sha256_of(path: Path, most: int) -> str:
    """Hex SHA-256 of a regular file's content, read in pieces; UserError as `read_bytes`."""
    digest, read = hashlib.sha256(), 0
    with opened(path) as handle:
        if (size := os.fstat(handle.fileno()).st_size) > most:
            raise refused(path, f"{size:,} bytes; at most {most:,} are read")
        while piece := handle.read(PIECE):
            digest.update(piece)
            read += len(piece)
            if read > most:
                raise refused(path, f"more than {most:,} bytes, which are read at most")
    return digest.hexdigest()
