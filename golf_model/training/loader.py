"""Batches from shards: the official sequential order for training, all targets in order for validation.

Training tokens are read straight through all shards, wrapping around for ever; every process reads the
same stream and keeps its own slice, so no two processes train on the same span. Optionally the spans of a pass are
visited in an order drawn from the seed. A thread reads a few micro-batches ahead, into pinned memory where a GPU will
fetch them; where the stream stands is always told as of the batch that was handed out last.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from golf_model.process.errors import ScriptError
from golf_model.training.shards import Shard, Tokens

AHEAD = 2
"""Micro-batches that are read before they are needed, at most (one more may be in the reader's hands)."""

Batch = tuple[Tensor, Tensor]
"""Inputs and targets, each (sequences, seq_len) int64 on the CPU."""


class BatchSource(Protocol):
    """Where one process's micro-batches come from, in an order of its own."""

    @property
    def taken(self) -> int:
        """Tokens that have been handed out."""
        ...

    def next_batch(self, global_tokens: int, seq_len: int, accumulation: int) -> Batch:
        """The next micro-batch; global_tokens: of one optimizer step over all processes and micro-batches."""
        ...

    def go_to(self, taken: int) -> None:
        """Go on as if `taken` tokens had been handed out."""
        ...


class TokenStream:
    """An endless reader over shards; `taken` tokens have been read so far, all passes counted.

    order: sequential, around and around; shuffled: equal spans of each pass in an order drawn from seed and pass (the
    few tokens at a pass's end that fill no span are left out of it). Two further orders are in orders.py.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        vocab_size: int,
        order: Literal["sequential", "shuffled"] = "sequential",
        seed: int = 0,
    ) -> None:
        self.shards = shards
        self.vocab_size = vocab_size
        self.order = order
        self.seed = seed
        self.ends = list(accumulate(shard.tokens for shard in shards))
        self.taken = 0
        self._drawn: tuple[int, int, Tensor] | None = None

    def take(self, count: int) -> Tokens:
        """The next `count` tokens; spans may cross shard borders."""
        start = self.taken
        self.taken += count
        total = self.ends[-1]
        if self.order == "sequential":
            return self.read(start % total, count)
        spans = total // count
        if spans == 0:
            raise ScriptError(f"batch.order shuffled: {total} training tokens are fewer than one span of {count}")
        pass_number, index = divmod(start // count, spans)
        return self.read(int(self._permutation(pass_number, spans)[index]) * count, count)

    def _permutation(self, pass_number: int, spans: int) -> Tensor:
        """The order of a pass, drawn once."""
        if self._drawn is None or self._drawn[:2] != (pass_number, spans):
            generator = torch.Generator().manual_seed((self.seed << 20) + pass_number)
            self._drawn = (pass_number, spans, torch.randperm(spans, generator=generator))
        return self._drawn[2]

    def read(self, start: int, count: int) -> Tokens:
        """`count` tokens from position `start` of the shards' row, around its end if need be."""
        pieces: list[Tokens] = []
        index = int(np.searchsorted(self.ends, start, side="right"))
        position = start - (self.ends[index] - self.shards[index].tokens)
        while count > 0:
            shard = self.shards[index]
            stop = min(position + count, shard.tokens)
            pieces.append(shard.read(position, stop, self.vocab_size))
            count -= stop - position
            index, position = (index + 1) % len(self.shards), 0
        return np.concatenate(pieces)


class TrainLoader:
    """Micro-batches of one process."""

    def __init__(self, stream: TokenStream, rank: int, world_size: int) -> None:
        self.stream = stream
        self.rank = rank
        self.world_size = world_size

    @property
    def taken(self) -> int:
        """Tokens of the stream that have been read."""
        return self.stream.taken

    def go_to(self, taken: int) -> None:
        """Go on as if `taken` tokens of the stream had been read."""
        self.stream.taken = taken

    def next_batch(self, global_tokens: int, seq_len: int, accumulation: int) -> Batch:
        """The next micro-batch.

        global_tokens: tokens of one optimizer step over all processes and micro-batches. One token more than
        is trained on is consumed per process and micro-batch, as in the official loader.
        """
        span = global_tokens // (self.world_size * accumulation) + 1
        chunk = self.stream.take(span * self.world_size)
        mine = torch.from_numpy(chunk[self.rank * span : (self.rank + 1) * span].astype(np.int64))
        return mine[:-1].view(-1, seq_len), mine[1:].view(-1, seq_len)


class Prefetcher:
    """Micro-batches read ahead by a thread; `taken` and `go_to` speak of the batches that were handed out."""

    def __init__(
        self, loader: BatchSource, global_tokens: int, seq_len: int, accumulation: int, device: torch.device
    ) -> None:
        """device: where the batches will go; for CUDA they are pinned, so that the copy need not be waited for."""
        self.loader = loader
        self.shape = (global_tokens, seq_len, accumulation)
        self.device = device
        self.pinned = device.type == "cuda"
        self.taken = 0
        self.waited_ms = 0.0
        """How long `next` had to wait since the last `go_to`."""
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._ready: queue.Queue[tuple[Batch, int] | BaseException] = queue.Queue(AHEAD)

    def next_on_device(self) -> Batch:
        """The next micro-batch, on the device."""
        ids, targets = self.next()
        return ids.to(self.device, non_blocking=self.pinned), targets.to(self.device, non_blocking=self.pinned)

    def next(self) -> Batch:
        """The next micro-batch; raises what reading it raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_ahead, args=(self._ready, self._stop), daemon=True)
            self._thread.start()
        begun = time.perf_counter()
        found = self._ready.get()
        self.waited_ms += 1000.0 * (time.perf_counter() - begun)
        if isinstance(found, BaseException):
            raise found
        batch, self.taken = found
        return batch

    def go_to(self, taken: int) -> None:
        """Go on as if `taken` tokens had been handed out."""
        self.close()
        self._stop, self._ready = threading.Event(), queue.Queue(AHEAD)
        self.loader.go_to(taken)
        self.taken = taken
        self.waited_ms = 0.0

    def close(self) -> None:
        """End the thread; what it has read is forgotten."""
        if self._thread is not None:
            self._stop.set()
            while self._thread.is_alive():
                try:
                    self._ready.get(timeout=0.01)
                except queue.Empty:
                    continue
            self._thread = None

    def _read_ahead(self, ready: queue.Queue[tuple[Batch, int] | BaseException], stop: threading.Event) -> None:
        if self.pinned:
            torch.cuda.set_device(
                self.device
            )  # a thread starts on GPU 0, and pinning would open it for every process
        while not stop.is_set():
            found: tuple[Batch, int] | BaseException
            try:
                ids, targets = self.loader.next_batch(*self.shape)
                if self.pinned:
                    ids, targets = ids.pin_memory(), targets.pin_memory()
                found = ((ids, targets), self.loader.taken)
            except Exception as error:  # handed to whoever waits for the batch
                found = error
            ready.put(found)
            if isinstance(found, BaseException):
                return


def load_validation_tokens(shards: Sequence[Shard], seq_len: int, vocab_size: int) -> Tensor:
    """All validation shards in one uint16 tensor; ScriptError where they hold less than one sequence."""
    tokens = np.concatenate([shard.read(0, shard.tokens, vocab_size) for shard in shards])
    if tokens.size <= seq_len:
        raise ScriptError(
            f"{shards[0].path}: {tokens.size} validation tokens are fewer than one sequence of {seq_len}"
        )
    return torch.from_numpy(tokens.astype(np.uint16))


def load_sidecars(shards: Sequence[Shard], tokens: int) -> Tensor:
    """Bytes of each of `tokens` validation tokens, (tokens,) int16; ScriptError where they do not fit the tokens."""
    sizes = np.concatenate([shard.read(0, shard.tokens, 1 << 16) for shard in shards])
    if sizes.size != tokens or int(sizes.max()) >= 1 << 15:
        raise ScriptError(f"{shards[0].path}: not one number of bytes for each of the {tokens} validation tokens")
    return torch.from_numpy(sizes.astype(np.int16))
