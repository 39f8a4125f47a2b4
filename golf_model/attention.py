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

AttentionKernel = Literal["sdpa", "explicit"]


def causal_mask(length: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(length, length) additive mask: 0 up to the diagonal, -inf above."""
    return torch.full((length, length), float("-inf"), device=device, dtype=dtype).triu(1)


def explicit_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Masked softmax attention.

    q: (batch, heads, time, head_dim); k, v: (batch, kv_heads, time, head_dim); mask: (time, time) additive.
    Returns (batch, heads, time, head_dim). Query head h reads kv head h // (heads / kv_heads): the group is
    folded into the rows of one matrix product, so keys and values are never repeated.
    """
    batch, heads, time, head_dim = q.shape
    kv_heads = k.size(1)
    rows = (heads // kv_heads) * time
    grouped = q.reshape(batch * kv_heads, rows, head_dim)
    scores = torch.bmm(grouped, k.reshape(batch * kv_heads, time, head_dim).transpose(1, 2))
    scores = scores.view(batch * kv_heads, heads // kv_heads, time, time) * head_dim**-0.5 + mask
    weights = torch.softmax(scores, dim=-1).view(batch * kv_heads, rows, time)
    return torch.bmm(weights, v.reshape(batch * kv_heads, time, head_dim)).view(batch, heads, time, head_dim)


class CausalSelfAttention(nn.Module):
    """Attention of one block; parameters q_gain (heads,), c_q, c_k, c_v, proj."""

    def __init__(self, model: ModelConfig, kernel: AttentionKernel) -> None:
        super().__init__()
        self.heads = model.num_heads
        self.kv_heads = model.num_kv_heads
        self.head_dim = model.model_dim // model.num_heads
        self.kernel = kernel
        kv_dim = self.kv_heads * self.head_dim
        self.c_q = CastedLinear(model.model_dim, model.model_dim)
        self.c_k = CastedLinear(model.model_dim, kv_dim)
        self.c_v = CastedLinear(model.model_dim, kv_dim)
        self.proj = CastedLinear(model.model_dim, model.model_dim, zero_init=True)
        self.q_gain = nn.Parameter(torch.full((self.heads,), model.qk_gain_init))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """x: (batch, time, dim), tables and mask of x's dtype -> (batch, time, dim)."""
        batch, time, dim = x.shape
        q = self.c_q(x).view(batch, time, self.heads, self.head_dim).transpose(1, 2)
        k = self.c_k(x).view(batch, time, self.kv_heads, self.head_dim).transpose(1, 2)
        v = self.c_v(x).view(batch, time, self.kv_heads, self.head_dim).transpose(1, 2)
        q = rotate(rms_norm(q), cos, sin) * self.q_gain.to(x.dtype).view(1, -1, 1, 1)
        k = rotate(rms_norm(k), cos, sin)
        if self.kernel == "explicit":
            y = explicit_attention(q, k, v, mask)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        out: Tensor = self.proj(y.transpose(1, 2).reshape(batch, time, dim))
        return out
