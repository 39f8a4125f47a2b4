"""Exclusive self-attention (PR #265, used by PR #372): attention output without the token's own value direction.

No parameters. Which blocks use it is `ModelConfig.xsa_last_n`; the call site is attention.py. On a CPU it goes head
by head, as attention leaves its output, with a backward pass of its own: torch's generic one takes three times as
many walks over the values, each by short rows.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

SHORTEST = 1e-12
"""Length below which a value has no direction, as in `F.normalize`."""


class HeadsFirst(torch.autograd.Function):
    """y without its part along v, heads before positions."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, v: Tensor) -> Tensor:
        """y: (batch, kv_heads, group, time, head_dim), v: (batch, kv_heads, 1, time, head_dim), both dense."""
        length = torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp_min_(SHORTEST)
        direction = v / length
        along = (y * direction).sum(-1, keepdim=True)
        ctx.save_for_backward(y, direction, along, length)
        without: Tensor = y - along * direction  # rounded twice, as torch's own steps are: equal to the bit
        return without

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """With a = y.d and b = grad.d: grad - b d for y, and what is across d of -(b y + a grad), by |v|, for v."""
        y, direction, along, length = ctx.saved_tensors
        grad = grad.contiguous()
        share = (grad * direction).sum(-1, keepdim=True)
        turned = torch.addcmul(share * y, along, grad).sum(2, keepdim=True)
        twice = (share * along).sum(2, keepdim=True).mul_(2.0)
        v_grad = torch.addcmul(turned, twice, direction, value=-1.0).div_(length).neg_()
        return torch.addcmul(grad, share, direction, value=-1.0), v_grad


def exclusive_attention(y: Tensor, v: Tensor) -> Tensor:
    """Remove from each head's output its part along the raw value at the same position.

    y: (batch, time, heads, head_dim) attention output; v: (batch, time, kv_heads, head_dim) values as projected.
    Returns a tensor shaped like y. Query head h belongs to kv head h // (heads / kv_heads).
    """
    if y.is_cpu and not torch.compiler.is_compiling():
        values = v.transpose(1, 2).contiguous().unsqueeze(2)
        by_head = y.transpose(1, 2).reshape(*values.shape[:2], -1, *values.shape[3:])
        found: Tensor = HeadsFirst.apply(by_head, values)  # type: ignore[no-untyped-call]
        return found.flatten(1, 2).transpose(1, 2)
    direction = F.normalize(v, dim=-1).unsqueeze(3)
    grouped = y.reshape(*v.shape[:3], -1, v.size(3))
    along = (grouped * direction).sum(-1, keepdim=True)
    return (grouped - along * direction).flatten(2, 3)
