"""Causal grouped-query attention with normalised queries and keys.

Two kernels compute the same function: torch's fused `scaled_dot_product_attention`, and an explicit masked softmax,
which is the faster one on CPU for short sequences. Longer ones go by blocks there: blocked.py, or the fused kernel.
Scoring may ask for the last positions only, or bring keys and values of earlier tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config.model import ModelConfig
from golf_model.config.runtime import LONG_SEQUENCE
from golf_model.network.attn_gate import GateProjection, gate_weight, head_gate
from golf_model.network.blocked import BlockedAttention
from golf_model.network.linear import CastedLinear, kept_or_made
from golf_model.network.rope import rms_norm, rotate
from golf_model.network.xsa import exclusive_attention

AttentionKernel = Literal["sdpa", "explicit", "blocks"]
"""blocks: explicit for short sequences, blocked.py or fused for longer ones."""


def causal_mask(length: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(length, length) additive mask: 0 up to the diagonal, -inf above."""
    return torch.full((length, length), float("-inf"), device=device, dtype=dtype).triu(1)


def explicit_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Masked softmax attention.

    q: (batch, heads, queries, head_dim), already scaled; k, v: (batch, kv_heads, keys, head_dim); mask: (queries,
    keys) additive. Returns (batch, heads, queries, head_dim). Query head h reads kv head h // (heads / kv_heads): the
    group is folded into the rows of one matrix product, so keys and values are never repeated.
    """
    batch, heads, count, head_dim = q.shape
    kv_heads, length = k.size(1), k.size(2)
    group = heads // kv_heads
    queries = q.reshape(batch * kv_heads, group * count, head_dim)
    keys = k.reshape(batch * kv_heads, length, head_dim)
    scores = torch.baddbmm(mask.repeat(group, 1), queries, keys.transpose(1, 2))
    weights = torch.softmax(scores, dim=-1)
    return torch.bmm(weights, v.reshape(batch * kv_heads, length, head_dim)).view(batch, heads, count, head_dim)


def repeats_keys(device: str, dtype: torch.dtype, *, masked: bool) -> bool:
    """Whether grouped keys must be repeated for a fused kernel to be had.

    On CUDA flash attention alone shares keys within a group, and it wants half precision and no mask. Anything else
    would fall, silently, to a kernel that writes out all scores.
    """
    return device == "cuda" and (masked or dtype == torch.float32)


def fused_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Torch's kernel, of `explicit_attention`'s shapes; without a mask it is causal."""
    grouped = q.size(1) != k.size(1)
    if grouped and repeats_keys(q.device.type, q.dtype, masked=mask is not None):
        k, v = (x.repeat_interleave(q.size(1) // x.size(1), dim=1) for x in (k, v))
        grouped = False
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None, scale=1.0, enable_gqa=grouped
    )


def needs_blocks(q: Tensor) -> bool:
    """Whether blocked.py is the faster way on a CPU: in bfloat16, and where a gradient is wanted."""
    return q.dtype == torch.bfloat16 and q.requires_grad and torch.is_grad_enabled()


class Past:
    """Keys and values of the tokens before a chunk of a text that is read once (streaming.py).

    keys: (batch, length, kv_heads, head_dim), normalised and not yet rotated, so that their positions can be counted
    anew for every chunk; values: the same shape.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys = keys
        self.values = values

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Past and present together; keeps the last `length` of them for the next chunk."""
        length = self.keys.size(1)
        keys, values = torch.cat((self.keys, keys), 1), torch.cat((self.values, values), 1)
        self.keys, self.values = keys[:, -length:], values[:, -length:]
        return keys, values


@dataclass(frozen=True)
class Begun:
    """What a block does with every token by itself, before tokens look at each other, for x (batch, time, dim)."""

    mixed: Tensor
    """The residual, x's shape."""
    read: Tensor
    """What the attention reads, x's shape."""
    directed: Tensor
    """(batch, time, heads + kv_heads, head_dim): queries and keys, normalised and not yet rotated."""
    values: Tensor
    """(batch, time, kv_heads, head_dim)."""

    def parts(self) -> tuple[Tensor, ...]:
        """All of it, in order."""
        return self.mixed, self.read, self.directed, self.values


class CausalSelfAttention(nn.Module):
    """Attention of one block; parameters q_gain (heads,), c_q, c_k, c_v, proj, and the weight of a gate."""

    def __init__(self, model: ModelConfig, kernel: AttentionKernel, *, exclusive: bool = False) -> None:
        super().__init__()
        self.heads = model.num_heads
        self.kv_heads = model.num_kv_heads
        self.head_dim = model.model_dim // model.num_heads
        self.kernel = kernel
        self.norm_eps = model.norm_eps
        self.exclusive = exclusive
        self.gate = model.attn_gate
        self.kept: dict[tuple[CastedLinear, ...], dict[torch.dtype, Tensor]] | None = None
        """Weights of projections that are made together, while they are kept (`weights_kept`)."""
        kv_dim = self.kv_heads * self.head_dim
        self.c_q = CastedLinear(model.model_dim, model.model_dim)
        self.c_k = CastedLinear(model.model_dim, kv_dim)
        self.c_v = CastedLinear(model.model_dim, kv_dim)
        self.proj = CastedLinear(model.model_dim, model.model_dim, zero_init=True)
        self.q_gain = nn.Parameter(torch.full((self.heads,), model.qk_gain_init))
        if self.gate.kind in ("window", "full"):
            self.attn_gate_w = gate_weight(model)
        elif self.gate.kind != "off":
            self.attn_gate_proj = GateProjection(gate_weight(model))

    def forward(
        self,
        x: Tensor,
        gain: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor,
        last: int = 0,
        past: Past | None = None,
        begun: Begun | None = None,
    ) -> Tensor:
        """x: (batch, time, dim), gain (dim,) of the output -> (batch, time, dim), or of `last` last positions alone.

        cos, sin: spread tables over all keys; mask: (queries, keys), or (batch, queries, keys) where documents are
        kept apart, all of x's dtype; past: what came before x; begun: what is known of x already.
        """
        if past is not None:
            q, k, v = self._with_past(x, cos, sin, past)
        elif begun is not None:
            q, k = torch.split(rotate(begun.directed, cos, sin), [self.heads, self.kv_heads], dim=2)
            v = begun.values
        elif last and (self.kernel != "sdpa" or mask.ndim == 3):
            q, k, v = self._last_queries(x, cos, sin, last)
        else:
            q, k, v = self._all_positions(x, cos, sin)
        q = q * (self.q_gain * self.head_dim**-0.5).to(x.dtype)[:, None].repeat(1, self.head_dim)
        y = self._attend(q, k, v, mask)
        if last:  # a fused kernel wants no mask: it does all queries of this one block
            y = y[:, -last:]
        if self.exclusive:
            y = exclusive_attention(y, v[:, -y.size(1) :])
        if self.gate.kind != "off":
            y = y * self._gates(x[:, -y.size(1) :])
        out: Tensor = self.proj(y.flatten(2), gain)
        return out

    def _gates(self, x: Tensor) -> Tensor:
        """(batch, time, heads, 1) of the block's input at the positions that are asked for."""
        if self.gate.kind in ("window", "full"):
            return head_gate(x, self.attn_gate_w, self.gate)
        if self.gate.kind == "double_query":
            x = F.linear(x, self.c_q.used_weight(x.dtype)[: self.gate.width].to(x.dtype))
        return head_gate(x, self.attn_gate_proj.weight, self.gate)

    def _project(self, x: Tensor, *layers: CastedLinear) -> Tensor:
        """(batch, time, heads of all layers, head_dim), by one product."""

        def together() -> Tensor:
            return torch.cat([layer.used_weight(x.dtype) for layer in layers]).to(x.dtype)

        kept = None if self.kept is None else self.kept.setdefault(layers, {})
        return F.linear(x, kept_or_made(kept, x.dtype, together)).view(*x.shape[:2], -1, self.head_dim)

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys together, normalised and not rotated, and values, as `Begun` keeps them."""
        projected = self._project(x, self.c_q, self.c_k, self.c_v)
        directed, values = torch.split(projected, [self.heads + self.kv_heads, self.kv_heads], dim=2)
        return rms_norm(directed, self.norm_eps), values

    def _all_positions(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys (both normalised and rotated) and values of every position."""
        directed, v = self.begin(x)
        q, k = torch.split(rotate(directed, cos, sin), [self.heads, self.kv_heads], dim=2)
        return q, k, v

    def _last_queries(self, x: Tensor, cos: Tensor, sin: Tensor, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """The same with queries of the last positions only."""
        q = rms_norm(self._project(x[:, -last:], self.c_q), self.norm_eps)
        k, v = torch.split(self._project(x, self.c_k, self.c_v), self.kv_heads, dim=2)
        q = rotate(q, cos[-last:, : self.heads], sin[-last:, : self.heads])
        k = rotate(rms_norm(k, self.norm_eps), cos[:, self.heads :], sin[:, self.heads :])
        return q, k, v

    def _with_past(self, x: Tensor, cos: Tensor, sin: Tensor, past: Past) -> tuple[Tensor, Tensor, Tensor]:
        """The same with keys and values of the past before those of x; positions count from the oldest key."""
        directed, v = self.begin(x)
        q, k = torch.split(directed, [self.heads, self.kv_heads], dim=2)
        k, v = past.extend(k, v)
        count = x.size(1)
        q = rotate(q, cos[-count:, : self.heads], sin[-count:, : self.heads])
        return q, rotate(k, cos[:, self.heads :], sin[:, self.heads :]), v

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """q: (batch, queries, heads, head_dim), k, v: (batch, keys, kv_heads, head_dim) -> q's shape."""
        if mask.ndim == 3:
            q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
            return fused_attention(q, k, v, mask[:, None, -q.size(2) :]).transpose(1, 2)
        whole = q.size(1) == k.size(1)
        fused = self.kernel == "sdpa" or (self.kernel == "blocks" and k.size(1) >= LONG_SEQUENCE)
        if fused and whole and self.kernel == "blocks" and needs_blocks(q):
            return BlockedAttention.apply(q, k, v)  # type: ignore[no-any-return, no-untyped-call]
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        y = fused_attention(q, k, v, None if whole else mask) if fused else explicit_attention(q, k, v, mask)
        return y.transpose(1, 2)
