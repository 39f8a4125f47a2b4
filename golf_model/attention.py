"""Causal grouped-query attention with normalised queries and keys.

Two kernels compute the same function: torch's fused `scaled_dot_product_attention`, and an explicit
masked softmax, which is the faster one on CPU for short sequences. No key/value cache.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config import ModelConfig
from golf_model.linear import CastedLinear
from golf_model.rope import rms_norm, rotate
from golf_model.xsa import exclusive_attention

AttentionKernel = Literal["sdpa", "explicit"]


def causal_mask(length: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(length, length) additive mask: 0 up to the diagonal, -inf above."""
    return torch.full((length, length), float("-inf"), device=device, dtype=dtype).triu(1)


def explicit_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Masked softmax attention.

    q: (batch, heads, time, head_dim), already scaled; k, v: (batch, kv_heads, time, head_dim); mask: (time, time)
    additive. Returns (batch, heads, time, head_dim). Query head h reads kv head h // (heads / kv_heads): the group
    is folded into the rows of one matrix product, so keys and values are never repeated.
    """
    batch, heads, time, head_dim = q.shape
    kv_heads = k.size(1)
    group = heads // kv_heads
    queries = q.reshape(batch * kv_heads, group * time, head_dim)
    keys = k.reshape(batch * kv_heads, time, head_dim)
    scores = torch.baddbmm(mask.repeat(group, 1), queries, keys.transpose(1, 2))
    weights = torch.softmax(scores, dim=-1)
    return torch.bmm(weights, v.reshape(batch * kv_heads, time, head_dim)).view(batch, heads, time, head_dim)


class CausalSelfAttention(nn.Module):
    """Attention of one block; parameters q_gain (heads,), c_q, c_k, c_v, proj."""

    def __init__(self, model: ModelConfig, kernel: AttentionKernel, *, exclusive: bool = False) -> None:
        super().__init__()
        self.heads = model.num_heads
        self.kv_heads = model.num_kv_heads
        self.head_dim = model.model_dim // model.num_heads
        self.kernel = kernel
        self.norm_eps = model.norm_eps
        self.exclusive = exclusive
        kv_dim = self.kv_heads * self.head_dim
        self.c_q = CastedLinear(model.model_dim, model.model_dim)
        self.c_k = CastedLinear(model.model_dim, kv_dim)
        self.c_v = CastedLinear(model.model_dim, kv_dim)
        self.proj = CastedLinear(model.model_dim, model.model_dim, zero_init=True)
        self.q_gain = nn.Parameter(torch.full((self.heads,), model.qk_gain_init))

    def forward(self, x: Tensor, gain: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """x: (batch, time, dim), tables and mask of x's dtype, gain (dim,) of the output -> (batch, time, dim)."""
        batch, time, dim = x.shape
        weights = torch.cat([layer.used_weight(x.dtype) for layer in (self.c_q, self.c_k, self.c_v)]).to(x.dtype)
        projected = F.linear(x, weights).view(batch, time, -1, self.head_dim)
        directed, v = torch.split(projected, [self.heads + self.kv_heads, self.kv_heads], dim=2)
        q, k = torch.split(rotate(rms_norm(directed, self.norm_eps), cos, sin), [self.heads, self.kv_heads], dim=2)
        q = q * (self.q_gain * self.head_dim**-0.5).to(x.dtype)[:, None].repeat(1, self.head_dim)
        q, k, values = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        if self.kernel == "explicit":
            y = explicit_attention(q, k, values, mask)
        else:
            grouped = self.heads != self.kv_heads
            y = F.scaled_dot_product_attention(q, k, values, is_causal=True, scale=1.0, enable_gqa=grouped)
        y = y.transpose(1, 2)
        if self.exclusive:
            y = exclusive_attention(y, v)
        out: Tensor = self.proj(y.reshape(batch, time, dim), gain)
        return out
