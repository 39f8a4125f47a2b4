"""Kept weights on their way from the node: whole, bounded, and only of a regular file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.files import sha256_bytes
from runner.node import kept_weights as module
from runner.node.kept_weights import KEPT_NAME, kept_weights
from runner.node.messages import KeptBytes, KeptEnded, Remark


def test_a_file_goes_in_pieces_and_ends_with_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 4)
    (tmp_path / KEPT_NAME).write_bytes(b"weights!!")
    assert list(kept_weights(tmp_path)) == [
        KeptBytes(b"weig"),
        KeptBytes(b"hts!"),
        KeptBytes(b"!"),
        KeptEnded(9, sha256_bytes(b"weights!!")),
    ]


def test_none_a_link_a_pipe_and_one_too_large_are_remarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / KEPT_NAME

    def told() -> str:
        (only,) = kept_weights(tmp_path)
        assert isinstance(only, Remark)
        return only.words

    assert "No such file" in told()
    (tmp_path / "secret").write_bytes(b"x")
    place.symlink_to(tmp_path / "secret")
    assert "were not kept" in told()
    place.unlink()
    os.mkfifo(place)
    assert "is no file of at most" in told()
    place.unlink()
    place.write_bytes(b"12345")
    monkeypatch.setattr(module, "MOST_BYTES", 4)
    assert "is no file of at most 4 bytes" in told()
