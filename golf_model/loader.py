"""Batches from shards: the official sequential order for training, all targets in order for validation.

Training tokens are read straight through all shards, wrapping around for ever; every process reads the
same stream and keeps its own slice, so no two processes train on the same span.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from golf_model.errors import ScriptError
from golf_model.shards import Shard, Tokens


class TokenStream:
    """An endless reader over shards, in order, around and around."""

    def __init__(self, shards: Sequence[Shard], vocab_size: int) -> None:
        self.shards = shards
        self.vocab_size = vocab_size
        self.shard_index = 0
        self.position = 0

    def take(self, count: int) -> Tokens:
        """The next `count` tokens, spans may cross shard borders."""
        pieces: list[Tokens] = []
        while count > 0:
            shard = self.shards[self.shard_index]
            if self.position >= shard.tokens:
                self.shard_index = (self.shard_index + 1) % len(self.shards)
                self.position = 0
                continue
            stop = min(self.position + count, shard.tokens)
            pieces.append(shard.read(self.position, stop, self.vocab_size))
            count -= stop - self.position
            self.position = stop
        return np.concatenate(pieces)


class TrainLoader:
    """Micro-batches of one process."""

    def __init__(self, shards: Sequence[Shard], vocab_size: int, rank: int, world_size: int) -> None:
        self.stream = TokenStream(shards, vocab_size)
        self.rank = rank
        self.world_size = world_size

    def next_batch(self, global_tokens: int, seq_len: int, accumulation: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets, each (sequences, seq_len) int64 on the CPU.

        global_tokens: tokens of one optimizer step over all processes and micro-batches. One token more than
        is trained on is consumed per process and micro-batch, as in the official loader.
        """
        span = global_tokens // (self.world_size * accumulation) + 1
        chunk = self.stream.take(span * self.world_size)
        mine = torch.from_numpy(chunk[self.rank * span : (self.rank + 1) * span].astype(np.int64))
        return mine[:-1].view(-1, seq_len), mine[1:].view(-1, seq_len)


def load_validation_tokens(shards: Sequence[Shard], seq_len: int, vocab_size: int) -> Tensor:
    """All validation shards in one uint16 tensor; ScriptError where they hold less than one sequence."""
    tokens = np.concatenate([shard.read(0, shard.tokens, vocab_size) for shard in shards])
    if tokens.size <= seq_len:
        raise ScriptError(
            f"{shards[0].path}: {tokens.size} validation tokens are fewer than one sequence of {seq_len}"
        )
    return torch.from_numpy(tokens.astype(np.uint16))
