"""The section `batch`: how tokens become batches, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded


@dataclass(frozen=True)
class BatchConfig:
    """How tokens become batches."""

    train_batch_tokens: int = 524288
    """Tokens per optimizer step over all processes."""
    train_seq_len: int = 1024
    """Tokens per sequence, in training and in plain evaluation."""
    val_batch_tokens: int = 524288
    """Tokens per evaluation batch over all processes and micro-steps."""
    micro_batches: int = 8
    """Micro-batches per optimizer step over all processes; one process accumulates micro_batches / world_size."""
    order: Literal["sequential", "shuffled", "sequences", "documents"] = "sequential"
    """Order of the training tokens. sequential: straight through all shards (official); shuffled: spans of each pass
    in an order drawn from the seed; sequences: single sequences of a process's own shards, drawn by its rank and not
    by the seed (PR #1394); documents: straight on, a micro-batch being one row that a shard's first document begins
    (PR #1530)."""
    documents: bool = False
    """Whether a token attends to its own document alone, in training and in scoring (PR #1530); after every
    train_seq_len tokens a document is cut."""
    bos_token: int = 1
    """Token that begins a document, where `documents` or the order of that name asks for it."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("train_batch_tokens", "train_seq_len", "val_batch_tokens", "micro_batches"):
            require(getattr(self, name) >= 1, name, "at least 1")
        span = self.micro_batches * self.train_seq_len
        require(
            self.train_batch_tokens % span == 0,
            "train_batch_tokens",
            f"must be a multiple of micro_batches * train_seq_len = {span}",
        )
