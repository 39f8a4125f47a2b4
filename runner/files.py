"""Files that survive a kill at any moment: written whole or not at all, hashed, and locked by living holders."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from runner.errors import UserError
from runner.untrusted import pieces_of


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write `data` beside `path`, flush it to the device, then rename it into place.

    Creates the parent folder. On any error the temporary file is removed and `path` is untouched. OSError where a
    folder, device or pipe stands there: to rename over one, which root may, would take it away from everybody. Every
    OSError names a file: the system names none when a disk is full.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; a file is to be written", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is a device, pipe or socket; a file is to be written", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    payload = data.encode("utf-8") if isinstance(data, str) else data
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(payload)
            handle.flush()
            os.fsync(handle.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def write_new(path: Path, data: bytes | str) -> None:
    """Write a file that is not there yet, whole or not at all. FileExistsError where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.open("xb").close()  # the name is ours from here on
    try:
        write_atomic(path, data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class WholeFile:
    """A file that comes in pieces: beside its place until all of it has, and is what was sent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        self._aside, self._file = Path(name), os.fdopen(descriptor, "wb")
        self._digest, self._size = hashlib.sha256(), 0

    def add(self, piece: bytes) -> None:
        """Append a piece. OSError when the disk does not take it."""
        self._digest.update(piece)
        self._size += len(piece)
        self._file.write(piece)

    def close(self, size: int, sha256: str) -> bool:
        """Put it into its place, if it is what was sent; else nothing of it stays."""
        if (self._size, self._digest.hexdigest()) != (size, sha256):
            self.drop()
            return False
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._aside.chmod(0o644)
        self._aside.replace(self.path)
        return True

    def drop(self) -> None:
        """Leave nothing of a file that did not come whole."""
        with suppress(OSError):  # what a full disk did not take
            self._file.close()
        self._aside.unlink(missing_ok=True)


def write_whole(file: IO[bytes], data: bytes) -> None:
    """Write all of `data` to an unbuffered file: a disk that fills takes a part and calls that no error."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def remove_tree(path: Path) -> None:
    """Remove a folder, whatever a script made of it; what cannot be removed stays.

    One nested deeper than `shutil.rmtree` can recurse, or has descriptors for, is the system's own command's affair.
    """
    with suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        subprocess.run(["rm", "-rf", "--", str(path)], stderr=subprocess.DEVNULL, check=False)


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def copy_hashed(path: Path, copy: Path) -> str:
    """Copy a file's bytes, and nothing else of it, into a new file; the hex SHA-256 of the bytes that were copied.

    UserError where something else than a file has taken its place; a pipe is not waited for.
    """
    digest = hashlib.sha256()
    with copy.open("xb") as target:
        for piece in pieces_of(path, links=True):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def sha256_files(script: bytes, files: Mapping[str, bytes]) -> str:
    """One hash over a script and the files beside it; without any it is the script's own."""
    if not files:
        return sha256_bytes(script)
    hashes = {name: sha256_bytes(content) for name, content in {"": script, **files}.items()}
    return sha256_bytes(json.dumps(hashes, sort_keys=True, separators=(",", ":")).encode())


@contextmanager
def locked(lock: Path, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
    """Hold the file `lock` alone, or beside others that share it; the system frees it when its holder dies.

    Waits for whoever holds it, or raises BlockingIOError at once when told not to wait.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
        yield


def require_writable(folder: Path) -> None:
    """UserError unless files can be made in `folder`, or in the nearest folder above it that exists."""
    nearest = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: nothing can be written there; give another folder with --output")


def require_space(folder: Path, least: int, what: str) -> None:
    """UserError where the disk of `folder`, which exists, has less than `least` bytes free. what: would take them."""
    free = shutil.disk_usage(folder).free
    if least > free:
        raise UserError(
            f"{folder}: {what} take at least {least:,} bytes, and its disk has {free:,} free; make room there, or "
            "give a folder on another disk with --output"
        )
