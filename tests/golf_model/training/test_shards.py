"""Shards are checked when opened and when read."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from golf_model.process.errors import ScriptError
from golf_model.training.shards import find_shards, open_shard


def shard_bytes(tokens: list[int], magic: int = 20240520, version: int = 1, claimed: int | None = None) -> bytes:
    header = struct.pack("<3i", magic, version, len(tokens) if claimed is None else claimed).ljust(1024, b"\0")
    return header + np.array(tokens, dtype="<u2").tobytes()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (shard_bytes([1, 2], magic=7), "magic 7"),
        (shard_bytes([1, 2], version=2), "version 2"),
        (shard_bytes([1, 2], claimed=3), "truncated"),
        (shard_bytes([1, 2], claimed=-1), "truncated"),
        (shard_bytes([1, 2])[:-1], "truncated"),
        (shard_bytes([1, 2]) + b"x", "damaged"),
        (shard_bytes([]), "truncated"),
        (b"short", "too short"),
    ],
)
def test_damaged_shard_is_refused_with_its_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "fineweb_train_000000.bin"
    path.write_bytes(content)
    with pytest.raises(ScriptError, match=complaint) as caught:
        open_shard(path)
    assert path.name in str(caught.value)


def test_token_outside_the_vocabulary_is_refused_when_read(tmp_path: Path) -> None:
    path = tmp_path / "shard.bin"
    path.write_bytes(shard_bytes([1, 2, 50, 3]))
    shard = open_shard(path)
    assert shard.read(0, 2, 50).tolist() == [1, 2]
    with pytest.raises(ScriptError, match="token 50 near position 2"):
        shard.read(1, 4, 50)


def test_shards_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for index in (10, 2, 1):
        (tmp_path / f"fineweb_val_{index:06d}.bin").write_bytes(shard_bytes([index]))
    found = [int(shard.read(0, 1, 100)[0]) for shard in find_shards(tmp_path, "fineweb_val_*.bin")]
    assert found == [1, 2, 10]


def test_missing_shards_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"fineweb_val_\*\.bin; set DATA_PATH"):
        find_shards(tmp_path, "fineweb_val_*.bin")


def test_sidecars_are_no_shards(tmp_path: Path) -> None:
    for name in ("fineweb_val_000000", "fineweb_val_bytes_000000"):
        (tmp_path / f"{name}.bin").write_bytes(shard_bytes([7]))
    assert [shard.path.name for shard in find_shards(tmp_path, "fineweb_val_*.bin")] == ["fineweb_val_000000.bin"]
