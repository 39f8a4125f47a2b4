"""One transformer block: mix with the embedding stream, attention, MLP, each with a gain per channel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf_model.config import ModelConfig
from golf_model.network.attention import AttentionKernel, CausalSelfAttention, Past
from golf_model.network.mlp import MLP
from golf_model.network.rope import rms_norm


class Block(nn.Module):
    """Parameters attn_scale, mlp_scale (dim,), resid_mix (2, dim), and those of attn and mlp."""

    def __init__(self, model: ModelConfig, kernel: AttentionKernel, layer: int) -> None:
        super().__init__()
        dim = model.model_dim
        exclusive = layer >= model.num_layers - model.xsa_last_n
        self.norm_eps = model.norm_eps
        self.attn = CausalSelfAttention(model, kernel, exclusive=exclusive)
        self.mlp = MLP(model)
        self.attn_scale = nn.Parameter(torch.ones(dim))
        self.mlp_scale = nn.Parameter(torch.ones(dim))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(dim), torch.zeros(dim))))

    def forward(
        self, x: Tensor, x0: Tensor, cos: Tensor, sin: Tensor, mask: Tensor, last: int = 0, past: Past | None = None
    ) -> Tensor:
        """x: (batch, time, dim) residual stream; x0: the normalised embedding. The mixed x is the residual.

        last: give only so many last positions (0: all); past: keys and values before x.
        """
        mix = self.resid_mix.to(x.dtype)
        x = torch.addcmul(mix[0] * x, mix[1], x0)
        attended = self.attn(rms_norm(x, self.norm_eps), self.attn_scale, cos, sin, mask, last, past)
        x = (x[:, -last:] if last else x) + attended
        y: Tensor = x + self.mlp(rms_norm(x, self.norm_eps), self.mlp_scale)
        return y
