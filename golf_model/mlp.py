"""The feed-forward half of a block: relu squared between two linear layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf_model.config import ModelConfig
from golf_model.linear import CastedLinear


class MLP(nn.Module):
    """proj(relu(fc(x))^2), hidden width mlp_mult * model_dim."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        hidden = model.mlp_mult * model.model_dim
        self.fc = CastedLinear(model.model_dim, hidden)
        self.proj = CastedLinear(hidden, model.model_dim, zero_init=True)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        y: Tensor = self.proj(torch.relu(self.fc(x)).square())
        return y
