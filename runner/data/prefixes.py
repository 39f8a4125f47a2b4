"""How many bytes the first so many targets of a validation text stand for, for any number of them.

One small number per target and a sum for every `step` of them, so that a text of sixty million tokens takes 140 MB
and any count a glance. Counts; scores and judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from runner.data.dataset import read_stream
from runner.data.tokenizer import CHUNK_TOKENS, byte_table, load_tokenizer

MOST_STEPS = 1 << 20
"""Sums that are kept, at most."""


class Validation(Protocol):
    """Validation shards and their tokenizer, of a data set or on their own."""

    @property
    def val_files(self) -> tuple[Path, ...]: ...

    @property
    def tokenizer(self) -> Path: ...

    @property
    def sidecars(self) -> tuple[Path, ...]: ...


@dataclass(frozen=True)
class Prefixes:
    """Bytes along a text of targets: every token but the first, which is only context."""

    sizes: NDArray[np.uint16]
    """(targets,) bytes that each target stands for."""
    step: int
    """Targets between two sums."""
    sums: NDArray[np.int64]
    """(targets // step + 1,) bytes of the first 0, step, 2 step ... targets."""

    @property
    def targets(self) -> int:
        return len(self.sizes)

    def before(self, stop: int) -> int:
        """Bytes of the first `stop` targets."""
        whole = stop // self.step
        return int(self.sums[whole]) + int(self.sizes[whole * self.step : stop].sum(dtype=np.int64))

    def between(self, first: int, stop: int) -> int:
        """Bytes of targets [first, stop)."""
        return self.before(stop) - self.before(first)


def prefixes_of(sizes: NDArray[np.uint16], most_steps: int = MOST_STEPS) -> Prefixes:
    """Sums along sizes of shape (targets,); every target has one where the text is short enough."""
    step = max(1, -(-len(sizes) // most_steps))
    parts = np.add.reduceat(sizes, np.arange(0, len(sizes), step), dtype=np.int64) if len(sizes) else sizes[:0]
    sums = np.concatenate([[0], np.cumsum(parts[: len(sizes) // step], dtype=np.int64)])
    return Prefixes(sizes, step, sums.astype(np.int64))


def prefixes(data: Validation, sidecars: tuple[Path, ...] = ()) -> Prefixes:
    """Bytes along a data set's validation text, by the official byte rule; DataError for unreadable files.

    sidecars: what tells the bytes instead, one number for each token, where the text was rewritten.
    """
    if sidecars:
        return prefixes_of(read_stream(sidecars)[1:])
    stream = read_stream(data.val_files)
    table = byte_table(load_tokenizer(data.tokenizer))
    sizes = np.empty(len(stream) - 1, dtype=np.uint16)
    for start in range(0, len(sizes), CHUNK_TOKENS):
        stop = min(start + CHUNK_TOKENS, len(sizes))
        sizes[start:stop] = table.sizes(stream, start, stop)
    return prefixes_of(sizes)
