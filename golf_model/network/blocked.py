"""Causal attention over long sequences on a CPU: the scores of some queries at a time, which stay in its caches.

The same function as attention.py's other kernels. A block of queries looks only at the keys up to its end, so that
half of the scores are never computed; what softmax gave is kept for the backward pass. This is the fastest way in
bfloat16 with a gradient; otherwise torch's fused kernel, which goes by blocks as well, is faster, and attention.py
takes that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

BLOCK = 256
"""Queries of a block."""
CACHED_BYTES = 1 << 21
"""Scores that are worked on at a time."""


def blocks(heads: int, group: int, length: int, width: int) -> Iterator[tuple[slice, slice, int]]:
    """(key heads, queries, number of keys they see) of every block; group: query heads of a key head; width: bytes of
    a score. In one order, which the backward pass repeats."""
    for first in range(0, length, BLOCK):
        seen = min(first + BLOCK, length)
        some = max(1, CACHED_BYTES // (group * (seen - first) * seen * width))
        for head in range(0, heads, some):
            yield slice(head, min(head + some, heads)), slice(first, seen), seen


def heads_first(x: Tensor, kv_heads: int) -> Tensor:
    """(batch, time, heads, head_dim) -> (batch * kv_heads, heads / kv_heads, time, head_dim), dense."""
    batch, time, heads, head_dim = x.shape
    grouped = x.reshape(batch, time, kv_heads, heads // kv_heads, head_dim)
    return grouped.permute(0, 2, 3, 1, 4).reshape(batch * kv_heads, heads // kv_heads, time, head_dim)


def time_first(x: Tensor, batch: int) -> Tensor:
    """The way back: (batch, time, heads, head_dim), dense."""
    _, group, time, head_dim = x.shape
    return x.view(batch, -1, group, time, head_dim).permute(0, 3, 1, 2, 4).reshape(batch, time, -1, head_dim)


class BlockedAttention(torch.autograd.Function):
    """Softmax attention in which every query sees the keys up to its own position."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q: (batch, time, heads, head_dim), already scaled; k, v: (batch, time, kv_heads, head_dim) -> q's shape.

        Query head h reads kv head h // (heads / kv_heads).
        """
        batch, length, _, _ = q.shape
        queries, keys, values = (heads_first(x, k.size(2)) for x in (q, k, v))
        keys, values = keys[:, 0], values[:, 0]
        y, kept = torch.empty_like(queries), []
        later = torch.full((BLOCK, BLOCK), float("-inf"), device=q.device, dtype=q.dtype).triu(1)
        for heads, places, seen in blocks(len(keys), queries.size(1), length, q.element_size()):
            some = queries[heads, :, places]
            scores = torch.bmm(some.flatten(1, 2), keys[heads, :seen].transpose(1, 2))
            count = seen - places.start
            scores.view(*some.shape[:3], seen)[..., places].add_(later[:count, :count])
            weights = torch.softmax(scores, -1)
            y[heads, :, places] = torch.bmm(weights, values[heads, :seen]).view_as(some)
            kept.append(weights)
        ctx.save_for_backward(queries, keys, values, *kept)
        ctx.batch = batch
        return time_first(y, batch)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of q, k, v; those of k and v are summed up in at least fp32."""
        queries, keys, values, *kept = ctx.saved_tensors
        wide = torch.promote_types(grad.dtype, torch.float32)
        slopes, q_grad = heads_first(grad, len(keys) // ctx.batch), torch.empty_like(queries)
        k_grad, v_grad = torch.zeros_like(keys, dtype=wide), torch.zeros_like(values, dtype=wide)
        walk = blocks(len(keys), queries.size(1), queries.size(2), queries.element_size())
        for (heads, places, seen), weights in zip(walk, kept, strict=True):
            slope, some = slopes[heads, :, places].flatten(1, 2), queries[heads, :, places]
            v_grad[heads, :seen] += torch.bmm(weights.transpose(1, 2), slope)
            share = torch.bmm(slope, values[heads, :seen].transpose(1, 2))
            share = torch._softmax_backward_data(share, weights, -1, weights.dtype)
            q_grad[heads, :, places] = torch.bmm(share, keys[heads, :seen]).view_as(some)
            k_grad[heads, :seen] += torch.bmm(share.transpose(1, 2), some.flatten(1, 2))
        k_out, v_out = (time_first(x.to(grad.dtype).unsqueeze(1), ctx.batch) for x in (k_grad, v_grad))
        return time_first(q_grad, ctx.batch), k_out, v_out
