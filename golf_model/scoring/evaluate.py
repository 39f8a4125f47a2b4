"""A score: mean loss and bits per byte over the targets that a rule's windows count.

Every rule of windows.py goes through the same loop; the official (plain) one is windows side by side. The number
does not depend on the batch size or the number of processes: losses are summed token by token in float64 (float32
only as PR #465 did), windows are split evenly, and a short batch or window is padded to the common shape. The text
lies on the device, where windows are cut from it. Reading it once, with keys and values kept, is streaming.py.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from golf_model.network.gpt import BEFORE, GPT, LossModel
from golf_model.network.linear import weights_kept
from golf_model.process.distributed import World
from golf_model.scoring.bpb import bits_per_byte
from golf_model.scoring.overlap import Overlap
from golf_model.scoring.windows import Windows


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


CACHED_SCORES = 1 << 19
"""Attention scores of one head that a CPU keeps near at hand: more windows at once than that are slower."""


def rows_at_once(asked: int, length: int, device: torch.device) -> int:
    """Windows of `length` tokens per forward pass: `asked`, or fewer where a CPU's caches are too small for them."""
    return max(1, min(asked, CACHED_SCORES // length**2)) if device.type == "cpu" else asked


def cut(tokens: Tensor, windows: Tensor, rows: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs and targets (rows, length) int64 and which targets count (rows, length) bool, padded with token 0.

    tokens: the stream, any integer type; windows: at most `rows` of them, int64; all on one device.
    """
    starts, lengths, first = windows.T[..., None]
    offsets = torch.arange(length + 1, device=tokens.device)
    places = (starts + offsets).clamp_(max=tokens.numel() - 1)
    missing = (0, 0, 0, rows - len(windows))
    pieces = F.pad(torch.where(offsets <= lengths, tokens[places].long(), 0), missing)
    counts = F.pad((offsets[:-1] >= first) & (offsets[:-1] < lengths), missing)
    return pieces[:, :-1], pieces[:, 1:], counts


def on_device(tokens: Tensor, device: torch.device) -> Tensor:
    """A whole stream where it is scored: as it is on a CPU, int32 elsewhere, which can be picked from everywhere."""
    return tokens if device.type == "cpu" else tokens.to(torch.int32).to(device)


def by_head(windows: Windows) -> list[tuple[Windows, int]]:
    """Windows in two groups with the number of last positions that the head must see, 0 for all.

    Most windows count only targets at their end; the first one and short ones count others, too, and are few.
    """
    length = int(windows[0, 1])
    starts, counts = np.unique(windows[:, 2], return_counts=True)
    usual = int(starts[np.argmax(counts)])
    at_end = (windows[:, 1] == length) & (windows[:, 2] >= usual)
    groups = [(windows[at_end], length - usual if usual else 0), (windows[~at_end], 0)]
    return [(group, last) for group, last in groups if len(group)]


class Tally:
    """Sums over scored targets on one device: losses in `sums`, targets and bytes as integers."""

    def __init__(self, device: torch.device, sums: torch.dtype) -> None:
        # MPS has no float64: there the losses are brought home and summed on the CPU.
        self.device = torch.device("cpu") if device.type == "mps" else device
        self.loss = torch.zeros((), dtype=sums, device=self.device)
        self.counted = torch.zeros(2, dtype=torch.int64, device=self.device)

    def add(self, losses: Tensor, sizes: Tensor, scored: Tensor) -> None:
        """Take in losses, the targets' bytes, and which of the targets count, all of one shape."""
        losses, sizes, scored = (part.to(self.device) for part in (losses, sizes, scored))
        self.loss += torch.where(scored, losses, 0.0).to(self.loss.dtype).sum()
        self.counted += torch.stack((scored.sum(), torch.where(scored, sizes, 0).sum()))

    def score(self, world: World) -> Score:
        """The score over all processes."""
        loss, tokens, size = world.sums([float(self.loss), *(float(count) for count in self.counted)])
        mean = loss / tokens
        return Score(mean, bits_per_byte(mean, int(tokens), int(size)), int(tokens), int(size))


def share_of(group: Windows, at_once: int, world: World) -> tuple[Windows, int]:
    """This process's windows of a group, and how many of them go at once: batches of one shape, as few as can be."""
    start, stop = split_evenly(len(group), world.rank, world.size)
    batches = -(-(stop - start) // at_once)
    return group[start:stop], -(-(stop - start) // batches) if batches else 1


def overlapping(network: GPT, group: Windows, device: torch.device) -> bool:
    """Whether windows go one at a time and share most of their tokens, on a CPU: then overlap.py scores them.

    Told of all processes' windows together, and whatever batch is asked for, so that neither changes a score.
    """
    steps, length = np.diff(group[:, 0]), int(group[0, 1])
    if device.type != "cpu" or network.documents is not None or not len(steps):
        return False
    near = BEFORE <= int(steps.min()) <= int(steps.max()) <= length // 2
    return near and rows_at_once(2, length, device) == 1 and bool(network.orders[network.looped][0])


@torch.no_grad()
def warm_graphs(model: LossModel, windows: Windows, batch_windows: int, world: World) -> None:
    """Score a batch of zeros of the shape that `evaluate` uses for nearly all windows, which compiles its graph."""
    group, last = by_head(windows)[0]
    share, rows = share_of(group, batch_windows, world)
    if len(share):
        # Cut from one piece as `cut` does it: a graph holds for inputs that lie in memory like its first ones.
        ids = torch.zeros(rows, int(windows[0, 1]) + 1, dtype=torch.int64, device=world.device)
        model(ids[:, :-1], ids[:, 1:], mean=False, last=last)


@torch.no_grad()
def evaluate(
    model: LossModel,
    tokens: Tensor,
    sizes: Tensor,
    windows: Windows,
    batch_windows: int,
    world: World,
    sums: torch.dtype = torch.float64,
    odd: LossModel | None = None,
) -> Score:
    """Score a stream of tokens (integer tensor on the CPU); all processes get the same result.

    sizes: the bytes that each token stands for (n,) int16. windows: of windows.py, none longer than the first;
    batch_windows: of each process's forward pass, at most. Head, and queries and MLP of the last block, are computed
    for positions that may count only. odd: the same model for the few windows unlike the rest, uncompiled, so that
    nobody waits for a graph of one window.
    """
    tally, length = Tally(world.device, sums), int(windows[0, 1])
    stream, bytes_of = on_device(tokens, world.device), sizes.to(world.device)
    for index, (group, last) in enumerate(by_head(windows)):
        scorer = odd if index and odd is not None else model
        share, rows = share_of(group, batch_windows, world)
        with weights_kept(scorer) if isinstance(scorer, GPT) else nullcontext():  # a compiler does it in one pass
            overlap = None
            if isinstance(scorer, GPT) and rows == 1 and overlapping(scorer, group, world.device):
                overlap = Overlap(scorer, stream)
            for some in torch.split(torch.from_numpy(share).to(world.device), rows):
                ids, targets, scored = cut(stream, some, rows, length)
                if overlap is None:
                    losses = scorer(ids, targets, mean=False, last=last)
                else:
                    losses = overlap.losses(int(some[0, 0]), targets, last)
                counted = cut(bytes_of, some, rows, length)[1]
                tally.add(losses, counted[:, -last:], scored[:, -last:])
    return tally.score(world)
