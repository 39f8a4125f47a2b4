"""SmearGate (PR #102): every position takes a learned share of the position before it, channel by channel.

Applied once, after the first norm and before the skip stream x0 branches off. Off unless `ModelConfig.smear` is
set; what differs between the originals is only where the gate stands in the `state_dict`. The later form (PR #1667)
looks at the embedding itself, before that norm, and adds to it what it lets through.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def smear(x: Tensor, gate: Tensor) -> Tensor:
    """(1 - g) x_t + g x_(t-1) with g = sigmoid(gate); nothing stands before the first position.

    x: (batch, time, dim); gate: (dim,) of any precision. Returns x's shape and dtype.
    """
    share = torch.sigmoid(gate.to(x.dtype))
    before = F.pad(x[:, :-1], (0, 0, 1, 0))
    return (1 - share) * x + share * before


class SmearGate(nn.Module):
    """The gate as a module of its own (PRs #102, #465); parameter gate (dim,), 0 at first, a share of one half."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, time, dim) -> the same shape."""
        return smear(x, self.gate)


class InputGate(nn.Module):
    """The weight of the gate that looks at the embedding (PR #1667): weight (1, width), 0 at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, width))

    def forward(self, e: Tensor) -> Tensor:
        """e: (batch, time, dim) -> (batch, time, 1) between 0 and 1, by its first `width` features."""
        return torch.sigmoid(F.linear(e[..., : self.weight.size(1)], self.weight.to(e.dtype)))


def input_smear(e: Tensor, ids: Tensor, gate: InputGate, share: Tensor, bos: int) -> Tensor:
    """e_t + share * gate(e_t) * e_(t-1), and e_t alone where a row or a document begins.

    e: (batch, time, dim) token embeddings; ids: (batch, time) int64, of which `bos` begins a document: without that
    mask the last token of one would reach into the next (PR #1851); share: (1,). Returns e's shape and dtype.
    """
    inside = (ids[:, 1:] != bos).to(e.dtype)[..., None]
    passed = share.to(e.dtype) * gate(e[:, 1:]) * inside * e[:, :-1]
    return torch.cat((e[:, :1], e[:, 1:] + passed), dim=1)
