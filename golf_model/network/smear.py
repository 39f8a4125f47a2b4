"""SmearGate (PR #102): every position takes a learned share of the position before it, channel by channel.

Applied once, after the first norm and before the skip stream x0 branches off. Off unless `ModelConfig.smear` is
set; what differs between the originals is only where the gate stands in the `state_dict`.
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
