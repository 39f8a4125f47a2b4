"""A bias-free linear layer whose weights stay in fp32 for the optimizer and are cast to the input at use."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class CastedLinear(nn.Linear):
    """(out, in) fp32 weights; output in the input's dtype. `zero_init` marks output projections that start at 0."""

    def __init__(self, in_features: int, out_features: int, *, zero_init: bool = False) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.zero_init = zero_init

    def forward(self, x: Tensor, row_gain: Tensor | None = None) -> Tensor:
        """x: (..., in) -> (..., out), each output times its row_gain (out,).

        The gain is applied to the weights, not to the output: the same function, and cheaper by three passes
        over the activations.
        """
        weight = self.weight if row_gain is None else self.weight * row_gain[:, None]
        return F.linear(x, weight.to(x.dtype))
