"""The feed-forward half of a block: relu squared between two linear layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from golf_model.config import ModelConfig
from golf_model.linear import CastedLinear


class SquaredRelu(torch.autograd.Function):
    """relu(x)^2 with a backward pass of one product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape."""
        positive: Tensor = torch.relu(x)
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """2 relu(x) grad: zero where relu is, without looking at x."""
        (positive,) = ctx.saved_tensors
        slope: Tensor = (grad * positive).mul_(2.0)
        return slope


class MLP(nn.Module):
    """proj(relu(fc(x))^2), hidden width mlp_mult * model_dim."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        hidden = model.mlp_mult * model.model_dim
        self.fc = CastedLinear(model.model_dim, hidden)
        self.proj = CastedLinear(hidden, model.model_dim, zero_init=True)

    def forward(self, x: Tensor, gain: Tensor) -> Tensor:
        """x: (..., dim), gain (dim,) of the output -> (..., dim)."""
        hidden = SquaredRelu.apply(self.fc(x))  # type: ignore[no-untyped-call]
        y: Tensor = self.proj(hidden, gain)
        return y
