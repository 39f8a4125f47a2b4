"""RMS norm and rotary positions: the two weightless functions of the attention.

Rotation is by halves (not interleaved) over all head dimensions. No NTK scaling, no partial rotation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

RMS_EPS = torch.finfo(torch.float32).eps
"""Explicit, because `eps=None` meant another number for bf16 input in older torch (specs: 0.0078)."""


def rms_norm(x: Tensor) -> Tensor:
    """Divide by the root mean square over the last dimension; no weight, same shape and dtype."""
    return F.rms_norm(x, (x.size(-1),), eps=RMS_EPS)


def rope_frequencies(head_dim: int, base: float, dtype: torch.dtype) -> Tensor:
    """(head_dim / 2,) angular frequencies base^(-2j/head_dim), computed in fp32, then rounded to `dtype`."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    return (1.0 / base**exponents).to(dtype)


def rope_tables(frequencies: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine tables, both (length, head_dim / 2), positions 0..length-1.

    Positions and products take the dtype of `frequencies`: with bfloat16 that is the originals' defect
    (positions above 256 are rounded), with float32 the clean function.
    """
    positions = torch.arange(length, device=frequencies.device, dtype=frequencies.dtype)
    angles = torch.outer(positions, frequencies)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate (..., time, head_dim) by tables (time, head_dim / 2) of x's dtype."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos + second * sin, second * cos - first * sin), dim=-1)
