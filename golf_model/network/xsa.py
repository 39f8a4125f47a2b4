"""Exclusive self-attention (PR #265, used by PR #372): attention output without the token's own value direction.

No parameters. Which blocks use it is `ModelConfig.xsa_last_n`; the call site is attention.py.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def exclusive_attention(y: Tensor, v: Tensor) -> Tensor:
    """Remove from each head's output its part along the raw value at the same position.

    y: (batch, time, heads, head_dim) attention output; v: (batch, time, kv_heads, head_dim) values as projected.
    Returns a tensor shaped like y. Query head h belongs to kv head h // (heads / kv_heads).
    """
    direction = F.normalize(v, dim=-1).unsqueeze(3)
    grouped = y.reshape(*v.shape[:3], -1, v.size(3))
    along = (grouped * direction).sum(-1, keepdim=True)
    return (grouped - along * direction).flatten(2, 3)
