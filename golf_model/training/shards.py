"""Token shards in the official format: checked when opened, mapped, never read whole.

A shard is 256 little-endian int32 (magic, version, number of tokens, zeros), then that many uint16.
No document handling, no shuffling.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golf_model.process.errors import ScriptError

SHARD_MAGIC = 20240520
SHARD_VERSION = 1
SHARD_HEADER_BYTES = 256 * 4
SIDECAR = "fineweb_val_bytes_"
"""Files that look like validation shards and tell how many bytes of another text their tokens stand for."""

Tokens = NDArray[np.uint16]


@dataclass(frozen=True)
class Shard:
    """One checked shard file."""

    path: Path
    tokens: int

    def read(self, start: int, stop: int, vocab_size: int) -> Tokens:
        """Tokens [start, stop) of the shard; ScriptError where one is not below `vocab_size`."""
        mapped = np.memmap(self.path, dtype="<u2", mode="r", offset=SHARD_HEADER_BYTES, shape=(self.tokens,))
        piece: Tokens = np.asarray(mapped[start:stop])
        if piece.size and int(piece.max()) >= vocab_size:
            at = start + int(np.argmax(piece >= vocab_size))
            raise ScriptError(
                f"{self.path}: token {int(piece.max())} near position {at} is not below vocab_size={vocab_size}; "
                "these shards belong to another tokenizer"
            )
        return piece


def open_shard(path: Path) -> Shard:
    """Check a shard's header and length; ScriptError says what is wrong with which file."""
    size = path.stat().st_size
    if size < SHARD_HEADER_BYTES:
        raise ScriptError(f"{path}: {size} bytes is too short for a shard header of {SHARD_HEADER_BYTES}")
    header = np.fromfile(path, dtype="<i4", count=256)
    if int(header[0]) != SHARD_MAGIC:
        raise ScriptError(f"{path}: magic {int(header[0])} is not {SHARD_MAGIC}; not a token shard")
    if int(header[1]) != SHARD_VERSION:
        raise ScriptError(f"{path}: version {int(header[1])} is not {SHARD_VERSION}")
    tokens = int(header[2])
    expected = SHARD_HEADER_BYTES + 2 * tokens
    if tokens < 1 or size != expected:
        raise ScriptError(f"{path}: {size} bytes where {tokens} tokens need {expected}; truncated or damaged")
    return Shard(path, tokens)


def find_shards(folder: Path, pattern: str) -> list[Shard]:
    """Every shard that matches, sorted by name, sidecars left out; ScriptError when there is none."""
    paths = sorted(path for path in folder.glob(pattern) if not path.name.startswith(SIDECAR))
    if not paths:
        raise ScriptError(f"no files match {folder / pattern}; set DATA_PATH to a prepared data folder")
    return [open_shard(path) for path in paths]


def find_sidecars(folder: Path) -> list[Shard]:
    """What tells the bytes of the validation tokens, sorted by name; ScriptError when there is nothing."""
    paths = sorted(folder.glob(f"{SIDECAR}*.bin"))
    if not paths:
        raise ScriptError(f"no files match {folder / SIDECAR}*.bin, and eval.byte_sidecar wants the bytes from there")
    return [open_shard(path) for path in paths]
