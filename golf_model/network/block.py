"""One transformer block: mix with the embedding stream, attention, MLP, each with a gain per channel.

The MLP follows the attention, or stands beside it (`parallel: simple`, PR #1412). Under `ln_scale` (PR #315) what
both read is smaller the deeper the block stands; blocks that are passed several times keep their own place's factor.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf_model.config.model import ModelConfig
from golf_model.network.attention import AttentionKernel, Begun, CausalSelfAttention, Past
from golf_model.network.mlp import MLP
from golf_model.network.rope import rms_norm


class Block(nn.Module):
    """Parameters attn_scale, mlp_scale (dim,), resid_mix (2, dim), and those of attn and mlp."""

    def __init__(self, model: ModelConfig, kernel: AttentionKernel, layer: int) -> None:
        super().__init__()
        dim = model.model_dim
        exclusive = layer >= model.num_layers - model.xsa_last_n
        self.norm_eps = model.norm_eps
        self.factor = (layer + 1) ** -0.5 if model.ln_scale else 1.0
        self.beside = model.parallel.kind == "simple" and layer >= model.parallel.start
        self.attn = CausalSelfAttention(model, kernel, exclusive=exclusive)
        self.mlp = MLP(model)
        self.attn_scale = nn.Parameter(torch.ones(dim))
        self.mlp_scale = nn.Parameter(torch.ones(dim))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(dim), torch.zeros(dim))))

    def forward(
        self,
        x: Tensor,
        x0: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor,
        last: int = 0,
        past: Past | None = None,
        begun: Begun | None = None,
    ) -> Tensor:
        """x: (batch, time, dim) residual stream; x0: the normalised embedding. The mixed x is the residual.

        last: give only so many last positions (0: all); past: keys and values before x; begun: what `begin` made of
        x already.
        """
        x = self.mixed(x, x0) if begun is None else begun.mixed
        read = self.normed(x) if begun is None else begun.read
        attended = self.attn(read, self.attn_scale, cos, sin, mask, last, past, begun)
        x = x[:, -last:] if last else x
        if self.beside:
            return torch.add(x + attended, self.feed(x))
        x = x + attended
        return torch.add(x, self.feed(x))

    def begin(self, x: Tensor, x0: Tensor) -> Begun:
        """All that happens to each token of x by itself before the attention."""
        mixed = self.mixed(x, x0)
        read = self.normed(mixed)
        return Begun(mixed, read, *self.attn.begin(read))

    def mixed(self, x: Tensor, x0: Tensor) -> Tensor:
        """What the attention reads: the stream and the embedding in learned shares."""
        mix = self.resid_mix.to(x.dtype)
        return torch.addcmul(mix[0] * x, mix[1], x0)

    def normed(self, x: Tensor) -> Tensor:
        """The input of attention or MLP."""
        y = rms_norm(x, self.norm_eps)
        return y if self.factor == 1.0 else y * self.factor

    def feed(self, x: Tensor) -> Tensor:
        """What the MLP adds to x."""
        y: Tensor = self.mlp(self.normed(x), self.mlp_scale)
        return y
