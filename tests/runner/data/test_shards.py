"""Shards: the exact bytes of the format, and one clear error for each way a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.shards import (
    HEADER_BYTES,
    MAGIC,
    find_shards,
    find_sidecars,
    is_validation_shard,
    read_shard,
    require_ids,
    shard_tokens,
    write_shard,
)
from runner.errors import DataError

TOKENS = np.array([1, 5, 1023, 0, 7], dtype=np.uint16)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "fineweb_val_000000.bin"
    write_shard(path, TOKENS)
    return path


def set_header(path: Path, index: int, value: int) -> None:
    """Overwrite one int32 of the header."""
    raw = bytearray(path.read_bytes())
    raw[4 * index : 4 * index + 4] = value.to_bytes(4, "little", signed=True)
    path.write_bytes(raw)


def test_a_shard_is_256_int32_and_then_uint16_tokens(shard: Path) -> None:
    raw = shard.read_bytes()
    assert len(raw) == 1024 + 2 * 5
    assert raw[:12] == (20240520).to_bytes(4, "little") + b"\x01\0\0\0" + b"\x05\0\0\0"
    assert raw[12:1024] == bytes(1012)
    assert raw[1024:] == b"\x01\0\x05\0\xff\x03\0\0\x07\0"


@pytest.mark.parametrize("index", [3, 100, 255])
def test_a_header_that_holds_more_than_a_number_is_refused(shard: Path, index: int) -> None:
    set_header(shard, index, 77)
    with pytest.raises(DataError, match="its header holds more than a number of tokens"):
        shard_tokens(shard)


@pytest.mark.parametrize("name", ["fineweb_train_\n.bin", "fineweb_val_\x1b[2J.bin"])
def test_a_shard_whose_name_could_forge_a_line_is_refused(tmp_path: Path, name: str) -> None:
    write_shard(tmp_path / name, TOKENS)
    with pytest.raises(DataError, match=r"holds a control character \(U\+00"):
        find_shards(tmp_path, "train" if "train" in name else "val")


@given(ids=st.lists(st.integers(0, 65535), min_size=1, max_size=300), dtype=st.sampled_from(["<u2", "<i8", ">u4"]))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, ids: list[int], dtype: str) -> None:
    path = tmp_path_factory.mktemp("shard") / "fineweb_train_000000.bin"
    write_shard(path, np.array(ids, dtype=dtype))
    tokens = read_shard(path, vocab_size=65536)
    assert tokens.dtype == np.uint16
    assert tokens.tolist() == ids
    assert shard_tokens(path) == len(ids)


@pytest.mark.parametrize("ids", [[], [-1], [65536], [[1, 2]]])
def test_what_does_not_fit_a_shard_is_not_written(tmp_path: Path, ids: list[int]) -> None:
    with pytest.raises(ValueError, match=r"shard|16 bits"):
        write_shard(tmp_path / "x.bin", np.array(ids, dtype=np.int64))
    assert list(tmp_path.iterdir()) == []


def test_tokens_read_from_a_shard_cannot_be_changed(shard: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_shard(shard)[0] = 3


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.bin: cannot read this shard"):
        read_shard(tmp_path / "nothing.bin")


def test_a_folder_in_place_of_a_shard_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read this shard"):
        read_shard(tmp_path)


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (0, 123, f"not a token shard .magic 123, expected {MAGIC}"),
        (1, 2, "shard version 2, golf reads version 1"),
        (2, 0, "the header says 0 tokens"),
        (2, -5, "the header says -5 tokens"),
        (2, 7, "4 bytes are missing"),
        (2, 4, "2 bytes too many"),
        (2, 2**31 - 1, "4,294,967,284 bytes are missing"),
    ],
)
def test_a_wrong_header_is_told_apart(shard: Path, index: int, value: int, message: str) -> None:
    set_header(shard, index, value)
    with pytest.raises(DataError, match=rf"fineweb_val_000000\.bin: {message}"):
        read_shard(shard)


@pytest.mark.parametrize("size", [0, 3, HEADER_BYTES - 1])
def test_a_file_shorter_than_a_header_is_told(shard: Path, size: int) -> None:
    shard.write_bytes(shard.read_bytes()[:size])
    with pytest.raises(DataError, match=f"{size} bytes are too short"):
        read_shard(shard)


def test_a_truncated_shard_says_how_much_is_missing_and_what_to_do(shard: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"3 bytes are missing .* fetch or prepare"):
        shard_tokens(shard)


def test_a_token_outside_the_vocabulary_is_told(shard: Path) -> None:
    assert len(read_shard(shard, vocab_size=1024)) == 5
    with pytest.raises(DataError, match="token id 1023 does not exist in a vocabulary of 1023"):
        read_shard(shard, vocab_size=1023)


@given(
    cut=st.integers(0, 1034),
    flips=st.lists(st.tuples(st.integers(0, 1033), st.integers(0, 255)), max_size=8),
    tail=st.binary(max_size=4),
)
def test_a_corrupt_shard_never_raises_anything_but_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]], tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "fineweb_train_000000.bin"
    write_shard(path, TOKENS)
    raw = bytearray(path.read_bytes())
    for place, value in flips:
        raw[place] = value
    path.write_bytes(bytes(raw[:cut]) + tail)
    try:
        tokens = read_shard(path, vocab_size=1024)
    except DataError as error:
        message = str(error)
    else:
        message = ""
        assert len(tokens) * 2 + HEADER_BYTES == path.stat().st_size
        assert int(tokens.max()) < 1024
    assert message == "" or message.startswith(str(path))


def test_shards_are_found_in_order_of_their_names(tmp_path: Path) -> None:
    for index in (10, 2, 0):
        write_shard(tmp_path / f"fineweb_train_{index:06d}.bin", TOKENS)
    write_shard(tmp_path / "fineweb_val_000000.bin", TOKENS)
    names = [path.name for path in find_shards(tmp_path, "train")]
    assert names == ["fineweb_train_000000.bin", "fineweb_train_000002.bin", "fineweb_train_000010.bin"]


def test_a_missing_split_or_folder_is_a_data_error(tmp_path: Path) -> None:
    write_shard(tmp_path / "fineweb_train_000000.bin", TOKENS)
    with pytest.raises(DataError, match=r"no shard named fineweb_val_\*\.bin; run"):
        find_shards(tmp_path, "val")
    with pytest.raises(DataError, match="no such data folder"):
        find_shards(tmp_path / "absent", "val")


def test_sidecars_are_no_shards(tmp_path: Path) -> None:
    for name in (
        "fineweb_val_000000",
        "fineweb_val_bytes_000001",
        "fineweb_val_bytes_000000",
        "fineweb_train_000000",
    ):
        write_shard(tmp_path / f"{name}.bin", TOKENS)
    assert [path.name for path in find_shards(tmp_path, "val")] == ["fineweb_val_000000.bin"]
    names = [path.name for path in find_sidecars(tmp_path)]
    assert names == ["fineweb_val_bytes_000000.bin", "fineweb_val_bytes_000001.bin"]
    assert [name for name in sorted(path.name for path in tmp_path.iterdir()) if is_validation_shard(name)] == [
        "fineweb_val_000000.bin"
    ]
    (tmp_path / "fineweb_val_000000.bin").unlink()
    with pytest.raises(DataError, match=r"no shard named fineweb_val_\*\.bin; run"):
        find_shards(tmp_path, "val")


def test_more_ids_than_sixteen_bits_are_refused() -> None:
    require_ids(65_536, "a")
    with pytest.raises(DataError, match=r"t\.model has 65,537 ids, and a shard has 16 bits for a token"):
        require_ids(65_537, "t.model")
