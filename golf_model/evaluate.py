"""The official (plain) score: non-overlapping sequences, every target once, sums in float64.

Sliding windows and other rules are not here. The number does not depend on the batch size: losses are
summed token by token in float64, and a short last batch is padded to the common shape and cut again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golf_model.bpb import ByteTables, bits_per_byte
from golf_model.distributed import World
from golf_model.gpt import LossModel


@dataclass(frozen=True)
class PlainScore:
    """One evaluation: mean loss in nats per token, bits per byte, and what was counted."""

    val_loss: float
    val_bpb: float
    tokens: int
    bytes: int

    @property
    def log_values(self) -> str:
        """The two numbers as progress lines show them."""
        return f"val_loss:{self.val_loss:.4f} val_bpb:{self.val_bpb:.4f}"


def split_evenly(count: int, rank: int, world_size: int) -> tuple[int, int]:
    """This rank's contiguous share [start, stop) of `count` items."""
    return count * rank // world_size, count * (rank + 1) // world_size


@torch.no_grad()
def evaluate_plain(
    model: LossModel, tokens: Tensor, tables: ByteTables, seq_len: int, batch_sequences: int, world: World
) -> PlainScore:
    """Score a stream of k * seq_len + 1 tokens (integer tensor on the CPU); all processes get the same result."""
    device = world.device
    on_device = tables.to(device)
    start, stop = split_evenly((tokens.numel() - 1) // seq_len, world.rank, world.size)
    batches = -(-(stop - start) // batch_sequences)
    rows = -(-(stop - start) // batches) if batches else 0
    loss_sum = torch.zeros((), dtype=torch.float64, device=device)
    byte_sum = torch.zeros((), dtype=torch.int64, device=device)
    for first in range(start, stop, max(rows, 1)):
        last = min(first + rows, stop)
        piece = tokens[first * seq_len : last * seq_len + 1].to(device=device, dtype=torch.int64)
        ids, targets = piece[:-1].view(-1, seq_len), piece[1:].view(-1, seq_len)
        padding = (0, 0, 0, rows - ids.size(0))
        losses = model(torch.nn.functional.pad(ids, padding), torch.nn.functional.pad(targets, padding), mean=False)
        loss_sum += losses[: ids.size(0)].double().sum()
        byte_sum += on_device.count(ids, targets).sum()
    loss, byte_count, token_count = world.sums([float(loss_sum), float(byte_sum), float((stop - start) * seq_len)])
    mean = loss / token_count
    return PlainScore(mean, bits_per_byte(mean, int(token_count), int(byte_count)), int(token_count), int(byte_count))
