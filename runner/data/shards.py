"""Token shards in the challenge's format: written, found, read and checked.

A shard is 256 little-endian int32 (magic 20240520, version 1, number of tokens, then zeros) followed by
that many little-endian uint16 token ids, and not a byte more. Reading maps the file, so a check of the
header costs nothing and only the check of the token range touches every page. Beside the shards of a rewritten text
may lie sidecars, `fineweb_val_bytes_*.bin`: one number a token, the bytes of the original that it stands for. They
look like shards and are none.

Does not cover: what the ids mean (tokenizer.py) and remembering that a big shard was checked (cache.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from runner.errors import DataError, UserError
from runner.files import write_atomic
from runner.printable import control_in, cut
from runner.untrusted import opened, reason_of

MAGIC = 20240520
VERSION = 1
HEADER_INTS = 256
HEADER_BYTES = HEADER_INTS * 4
TOKEN_BYTES = 2
MOST_IDS = 1 << 16
SIDECAR = "fineweb_val_bytes_"

Split = Literal["train", "val"]
Tokens = NDArray[np.uint16]


def write_shard(path: Path, tokens: NDArray[np.integer]) -> None:
    """Write `tokens` (one dimension, any integer type, ids below 65,536) as one shard, atomically."""
    if tokens.ndim != 1 or tokens.size == 0:
        raise ValueError(f"a shard holds one row of at least one token, not shape {tokens.shape}")
    if int(tokens.min()) < 0 or int(tokens.max()) >= MOST_IDS:
        raise ValueError("token ids must fit 16 bits without sign")
    header = np.zeros(HEADER_INTS, dtype="<i4")
    header[:3] = MAGIC, VERSION, tokens.size
    write_atomic(path, header.tobytes() + tokens.astype("<u2").tobytes())


def shard_tokens(path: Path) -> int:
    """Number of tokens that the header promises, after checking header and file size; DataError otherwise."""
    try:
        with opened(path, links=True) as handle:
            size = os.fstat(handle.fileno()).st_size
            raw = handle.read(HEADER_BYTES)
    except UserError as error:
        raise DataError(f"{path}: cannot read this shard ({reason_of(error)}); fetch or prepare the data") from None
    if len(raw) < HEADER_BYTES:
        raise DataError(
            f"{path}: {len(raw)} bytes are too short for a shard header of {HEADER_BYTES}; delete the file and "
            "fetch or prepare the data again"
        )
    words = np.frombuffer(raw, dtype="<i4")
    magic, version, count = (int(value) for value in words[:3])
    if magic != MAGIC:
        raise DataError(
            f"{path}: not a token shard (magic {magic}, expected {MAGIC}); check that the folder holds tokenised data"
        )
    if version != VERSION:
        raise DataError(f"{path}: shard version {version}, golf reads version {VERSION}; tokenise the data again")
    if count <= 0:
        raise DataError(
            f"{path}: the header says {count} tokens; delete the file and fetch or prepare the data again"
        )
    if words[3:].any():
        raise DataError(
            f"{path}: its header holds more than a number of tokens; a script could read it as something else. "
            "Write the shard again with zeros there"
        )
    expected = HEADER_BYTES + count * TOKEN_BYTES
    if size != expected:
        wrong = f"{expected - size:,} bytes are missing" if size < expected else f"{size - expected:,} bytes too many"
        raise DataError(
            f"{path}: {wrong} ({size:,} bytes, {count:,} tokens need {expected:,}); delete the file and fetch or "
            "prepare the data again"
        )
    return count


def read_shard(path: Path, vocab_size: int | None = None) -> Tokens:
    """Map a shard's tokens, shape (tokens,), uint16, read-only; with `vocab_size`, every id is checked against it."""
    count = shard_tokens(path)
    try:
        tokens: Tokens = np.memmap(path, dtype="<u2", mode="r", offset=HEADER_BYTES, shape=(count,))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot map this shard ({error}); was it changed while being read?") from error
    if vocab_size is not None:
        check_range(path, int(tokens.max()), vocab_size)
    return tokens


def check_range(path: Path, largest_id: int, vocab_size: int) -> None:
    """DataError when a shard holds an id that the vocabulary does not have."""
    if largest_id >= vocab_size:
        raise DataError(
            f"{path}: token id {largest_id} does not exist in a vocabulary of {vocab_size}; the shards belong to "
            "another tokenizer, or the file is damaged"
        )


def require_ids(vocab_size: int, name: str) -> None:
    """DataError where a vocabulary has ids that no token of a shard can hold."""
    if vocab_size > MOST_IDS:
        raise DataError(
            f"{name} has {vocab_size:,} ids, and a shard has 16 bits for a token: ids from {MOST_IDS:,} on cannot "
            f"stand in it; use a tokenizer of {MOST_IDS:,} ids at most"
        )


def find_shards(folder: Path, split: Split) -> tuple[Path, ...]:
    """The shards of one split, sorted by name as every loader of the challenge reads them; no sidecars."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such data folder; run `golf data prepare` or `golf data fetch`")
    found = list(folder.glob(f"fineweb_{split}_*.bin"))
    for path in found:
        require_plain(path)
    paths = tuple(sorted(path for path in found if not path.name.startswith(SIDECAR)))
    if not paths:
        raise DataError(
            f"{folder}: no shard named fineweb_{split}_*.bin; run `golf data prepare` or `golf data fetch`"
        )
    return paths


def find_sidecars(folder: Path) -> tuple[Path, ...]:
    """What tells the bytes of the validation tokens, sorted by name; empty for text that was not rewritten."""
    paths = tuple(sorted(folder.glob(f"{SIDECAR}*.bin")))
    for path in paths:
        require_plain(path)
    return paths


def require_plain(path: Path) -> None:
    """DataError where a path has a character by which one line of a log that names it could look like two."""
    if control := control_in(str(path)):
        raise DataError(f"{cut(str(path), 300)}: holds a control character ({control}); rename it")


def is_validation_shard(name: str) -> bool:
    """Whether a file of this name is scored."""
    return name.startswith("fineweb_val_") and not name.startswith(SIDECAR) and name.endswith(".bin")
