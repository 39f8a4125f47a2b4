"""A gate on every head's output: how much of what it found a token takes (PRs #1667, #1736, #1787).

After XSA and before the output projection, by a token's own features. Off unless `ModelConfig.attn_gate` is set; the
four kinds differ in what they look at, in their range, and in the weight's name.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config.model import AttentionGateConfig, ModelConfig


class GateProjection(nn.Module):
    """The weight of the kinds `double` and `double_query`, named as PR #1667 has it: weight (heads, width)."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight


def gate_weight(model: ModelConfig) -> nn.Parameter:
    """(heads, features looked at): zeros, or normal where the configuration says so."""
    gate = model.attn_gate
    weight = torch.zeros(model.num_heads, model.model_dim if gate.kind == "full" else gate.width)
    return nn.Parameter(nn.init.normal_(weight, std=gate.init_std) if gate.init_std else weight)


def head_gate(features: Tensor, weight: Tensor, gate: AttentionGateConfig) -> Tensor:
    """(batch, time, heads, 1): the factor of each head's output.

    features: (batch, time, dim), what the gate looks at: the block's normed input, or under `double_query` query
    features before their norm; weight: (heads, features looked at).
    """
    z = F.linear(features[..., : weight.size(1)], weight.to(features.dtype))
    if gate.kind == "window":
        z = gate.scale * z
    share = torch.sigmoid(z)
    return (2.0 * share if gate.kind.startswith("double") else share)[..., None]
