"""The feed-forward half of a block: a squared (leaky) relu between two linear layers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config.model import ModelConfig
from golf_model.network.linear import CastedLinear
from golf_model.shapes import mlp_hidden

LEAK = 0.5
"""Slope of the leaky relu below zero (PR #1606)."""


class SquaredRelu(torch.autograd.Function):
    """relu(x)^2 with a backward pass of one product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape; where no gradient is wanted nothing is kept, and one array does."""
        positive: Tensor = torch.relu(x)
        if not x.requires_grad:
            return positive.square_()
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """2 relu(x) grad: zero where relu is, without looking at x."""
        (positive,) = ctx.saved_tensors
        slope: Tensor = (grad * positive).mul_(2.0)
        return slope


class SquaredLeakyRelu(torch.autograd.Function):
    """leaky_relu(x, 0.5)^2 (PR #1606) with a backward pass that looks only at the relu's value."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape."""
        leaky = F.leaky_relu(x, LEAK)
        ctx.save_for_backward(leaky)
        return leaky * leaky

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """2 leaky grad above zero and 2 * 0.5 leaky grad below; the value has the sign of x."""
        (leaky,) = ctx.saved_tensors
        slope: Tensor = torch.where(leaky > 0, 2.0 * leaky, 2.0 * LEAK * leaky).mul_(grad)
        return slope


class MLP(nn.Module):
    """proj(act(fc(x))), hidden width mlp_mult * model_dim, act as `mlp_activation` says."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        hidden = mlp_hidden(model)
        self.activation = SquaredRelu if model.mlp_activation == "relu2" else SquaredLeakyRelu
        self.fc = CastedLinear(model.model_dim, hidden)
        self.proj = CastedLinear(hidden, model.model_dim, zero_init=True)

    def forward(self, x: Tensor, gain: Tensor) -> Tensor:
        """x: (..., dim), gain (dim,) of the output -> (..., dim)."""
        hidden = self.activation.apply(self.fc(x))  # type: ignore[no-untyped-call]
        y: Tensor = self.proj(hidden, gain)
        return y
