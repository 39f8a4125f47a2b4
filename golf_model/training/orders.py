"""The originals' two other orders of training tokens: drawn sequences (PR #1394) and packed documents (PR #1530).

Both are the same for every seed. What comes next depends on all that came before, so going to a place in either is
doing again, without reading, what led there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from golf_model.process.errors import ScriptError
from golf_model.training.loader import Batch
from golf_model.training.shards import Shard, Tokens


class SequenceLoader:
    """Single sequences of this process's shards, drawn by its rank (PR #1394); `taken` tokens have been drawn so far.

    Each shard's sequences begin at a drawn phase and come in a drawn order, from its end; which shard the next one is
    of is drawn by how many each has left. When none has any, all are drawn anew.
    """

    def __init__(self, shards: Sequence[Shard], vocab_size: int, rank: int, world_size: int, seq_len: int) -> None:
        """ScriptError where this process's shards hold no sequence of `seq_len` tokens and a target."""
        self.shards = shards[rank::world_size]
        self.vocab_size, self.rank, self.world_size, self.seq_len = vocab_size, rank, world_size, seq_len
        if not any(shard.tokens > seq_len for shard in self.shards):
            held = f"{len(self.shards)} of {len(shards)} training shards are of process {rank}"
            raise ScriptError(f"batch.order sequences: {held}, and none holds a sequence of {seq_len} tokens")
        self.go_to(0)

    def go_to(self, taken: int) -> None:
        """Go on as if `taken` tokens had been drawn."""
        self.generator = np.random.Generator(np.random.PCG64(self.rank))
        self.starts: list[list[int]] = []
        self.left = np.zeros(len(self.shards))
        self.taken = 0
        self._draw_shards()
        while self.taken < taken:
            self._next()

    def _draw_shards(self) -> None:
        """Phase and order of every shard."""
        self.starts = [self._starts(shard.tokens) for shard in self.shards]
        self.left = np.array([len(starts) for starts in self.starts], dtype=np.float64)

    def _starts(self, tokens: int) -> list[int]:
        """Where the sequences of a shard begin, the first one last."""
        most = min(self.seq_len - 1, max(0, tokens - self.seq_len - 1))
        phase = int(self.generator.integers(most + 1)) if most else 0
        order: NDArray[np.int64] = self.generator.permutation((tokens - 1 - phase) // self.seq_len)
        return [int(start) for start in phase + order * self.seq_len]

    def _next(self) -> tuple[Shard, int]:
        """Shard and first token of the next sequence."""
        if self.left.sum() <= 0:
            self._draw_shards()
        index = int(self.generator.choice(len(self.shards), p=self.left / self.left.sum()))
        self.left[index] -= 1
        self.taken += self.seq_len
        return self.shards[index], self.starts[index].pop()

    def next_batch(self, global_tokens: int, seq_len: int, accumulation: int) -> Batch:
        """The next micro-batch, as TrainLoader.next_batch gives it; `seq_len` is that of the loader."""
        rows: list[Tokens] = []
        for _ in range(global_tokens // (self.world_size * accumulation) // seq_len):
            shard, start = self._next()
            rows.append(shard.read(start, start + seq_len + 1, self.vocab_size))
        found = torch.from_numpy(np.stack(rows).astype(np.int64))
        return found[:, :-1], found[:, 1:]


class DocumentLoader:
    """Rows of consecutive tokens, one for each micro-batch, from a shard's first document on (PR #1530).

    Shards follow one another for ever; what is left of one that is too short for all processes' rows is left out.
    """

    def __init__(
        self, shards: Sequence[Shard], vocab_size: int, rank: int, world_size: int, row: int, bos: int
    ) -> None:
        """row: tokens of a micro-batch of one process; bos: token that begins a document. ScriptError for a shard
        without one, and where no shard holds a row for every process."""
        self.shards, self.vocab_size, self.rank, self.row = shards, vocab_size, rank, row + 1
        self.span = self.row * world_size
        self.firsts = [self._first(shard, bos) for shard in shards]
        if not any(first + self.span <= shard.tokens for first, shard in zip(self.firsts, shards, strict=True)):
            raise ScriptError(
                f"batch.order documents: no training shard holds {self.span} tokens from its first document on"
            )
        self.go_to(0)

    def _first(self, shard: Shard, bos: int) -> int:
        """Where the shard's first document begins."""
        places = np.flatnonzero(shard.read(0, shard.tokens, self.vocab_size) == bos)
        if not places.size:
            raise ScriptError(f"batch.order documents: {shard.path}: no token {bos}, with which a document begins")
        return int(places[0])

    def go_to(self, taken: int) -> None:
        """Go on as if `taken` tokens had been handed out, those of all processes counted."""
        self.taken, self._at, self._cursor = 0, 0, self.firsts[0]
        while self.taken < taken:
            self._advance()

    def _advance(self) -> tuple[Shard, int]:
        """Shard and first token of the next rows of all processes."""
        while self._cursor + self.span > self.shards[self._at].tokens:
            self._at = (self._at + 1) % len(self.shards)
            self._cursor = self.firsts[self._at]
        start = self._cursor
        self._cursor += self.span
        self.taken += self.span
        return self.shards[self._at], start

    def next_batch(self, global_tokens: int, seq_len: int, accumulation: int) -> Batch:
        """The next micro-batch: inputs and targets (1, row) int64, whatever the sequences' length."""
        shard, start = self._advance()
        mine = start + self.rank * self.row
        tokens = torch.from_numpy(shard.read(mine, mine + self.row, self.vocab_size).astype(np.int64))
        return tokens[None, :-1], tokens[None, 1:]
