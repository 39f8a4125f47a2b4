"""Atomic writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.files import sha256_bytes, sha256_file, write_atomic


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


def test_hashes_agree(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"abc")
    assert sha256_file(tmp_path / "file") == sha256_bytes(b"abc")
    assert sha256_bytes(b"abc").startswith("ba7816bf")
