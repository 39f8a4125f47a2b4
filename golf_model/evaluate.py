"""A score: mean loss and bits per byte over the targets that a rule's windows count.

Every rule of windows.py goes through the same loop; the official (plain) one is windows side by side. The number
does not depend on the batch size or the number of processes: losses are summed token by token in float64 (float32
only as PR #465 did), windows are split evenly, and a short batch or window is padded to the common shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from golf_model.bpb import ByteTables, bits_per_byte
from golf_model.distributed import World
from golf_model.gpt import LossModel
from golf_model.windows import Windows


@dataclass(frozen=True)
class Score:
    """One evaluation: mean loss in nats per scored target, bits per byte, and what was counted."""

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


def cut(tokens: Tensor, windows: Windows, rows: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs and targets (rows, length) int64 and which targets count (rows, length) bool, padded with token 0.

    tokens: the stream, any integer type, on the CPU; windows: at most `rows` of them.
    """
    starts, lengths, first = (column[:, None] for column in windows.T)
    offsets = np.arange(length + 1)
    stream = tokens.numpy()
    places = np.minimum(starts + offsets, stream.size - 1)
    pieces = np.zeros((rows, length + 1), dtype=np.int64)
    pieces[: len(windows)] = np.where(offsets <= lengths, stream[places], 0)
    counts = np.zeros((rows, length), dtype=np.bool_)
    counts[: len(windows)] = (offsets[:-1] >= first) & (offsets[:-1] < lengths)
    cut_out = torch.from_numpy(pieces)
    return cut_out[:, :-1], cut_out[:, 1:], torch.from_numpy(counts)


@torch.no_grad()
def evaluate(
    model: LossModel,
    tokens: Tensor,
    tables: ByteTables,
    windows: Windows,
    batch_windows: int,
    world: World,
    sums: torch.dtype = torch.float64,
) -> Score:
    """Score a stream of tokens (integer tensor on the CPU); all processes get the same result.

    windows: of windows.py, none longer than the first; batch_windows: of each process's forward pass, at most.
    """
    device, length = world.device, int(windows[0, 1])
    on_device = tables.to(device)
    start, stop = split_evenly(len(windows), world.rank, world.size)
    batches = -(-(stop - start) // batch_windows)
    rows = -(-(stop - start) // batches) if batches else 0
    loss_sum = torch.zeros((), dtype=sums, device=device)
    counted = torch.zeros(2, dtype=torch.int64, device=device)
    for first in range(start, stop, max(rows, 1)):
        ids, targets, scored = (
            part.to(device) for part in cut(tokens, windows[first : min(first + rows, stop)], rows, length)
        )
        losses = model(ids, targets, mean=False)
        loss_sum += torch.where(scored, losses, 0.0).to(sums).sum()
        size = torch.where(scored, on_device.count(ids, targets), 0).sum()
        counted += torch.stack((scored.sum(), size))
    loss, token_count, byte_count = world.sums([float(loss_sum), *(float(count) for count in counted)])
    mean = loss / token_count
    return Score(mean, bits_per_byte(mean, int(token_count), int(byte_count)), int(token_count), int(byte_count))
