"""Atomic writing."""

from __future__ import annotations

import errno
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.files import remove_tree, sha256_bytes, sha256_file, write_atomic, write_new, write_whole


def test_content_replaces_content(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomic(path, "one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomic(tmp_path / "folder", "new")
    assert path.read_text() == "old"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder"]


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The system takes no more than `size` bytes into a file, and names none in its error, as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_takes_no_more_is_told_by_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with no_file_above(1000), pytest.raises(OSError, match="too large") as caught:
        write_atomic(path, b"x" * 2000)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_is_whole_or_not_there_and_takes_no_others_place(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with no_file_above(1000), pytest.raises(OSError, match="too large"):
        write_new(path, "x" * 2000)
    assert list(path.parent.iterdir()) == []
    write_new(path, "first")
    with pytest.raises(FileExistsError):
        write_new(path, "second")
    assert path.read_text() == "first"


def test_no_file_takes_the_place_of_a_device_or_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "screen").symlink_to("/dev/null")
    for name in ("pipe", "screen"):
        with pytest.raises(OSError, match="is a device, pipe or socket"):
            write_atomic(tmp_path / name, "new")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "screen").readlink() == Path("/dev/null")


def test_hashes_agree(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"abc")
    assert sha256_file(tmp_path / "file") == sha256_bytes(b"abc")
    assert sha256_bytes(b"abc").startswith("ba7816bf")


class Filling(io.RawIOBase):
    """A file on a disk that fills: a write takes what there is room for, and fails only when there is none."""

    def __init__(self, room: int) -> None:
        self.room, self.held = room, b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(memoryview(data)[: min(self.room, 7)])
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.held, self.room = self.held + taken, self.room - len(taken)
        return len(taken)


def test_what_a_disk_takes_in_parts_is_written_whole_or_is_an_error() -> None:
    enough, little = Filling(100), Filling(20)
    write_whole(enough, b"x" * 100)  # type: ignore[arg-type]
    assert enough.held == b"x" * 100
    with pytest.raises(OSError, match="No space left"):
        write_whole(little, b"x" * 100)  # type: ignore[arg-type]


def test_a_folder_nested_deeper_than_python_recurses_is_removed(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    here = os.open(deep, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove_tree(deep)
    assert list(tmp_path.iterdir()) == []
    remove_tree(deep)
