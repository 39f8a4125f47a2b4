"""int8 rows: the official baseline's rule for turning weights into small integers and back.

Round half to even; a row is clipped at its 0.9999984 quantile; its scale is never below 1/127, so every row
with values below 1 lies on one fixed grid. Rounding uses the fp32 scale, decoding the fp16 one.
"""

from __future__ import annotations

import torch
from torch import Tensor

INT8_CLIP_QUANTILE = 0.9999984
INT8_LEVELS = 127.0


def quantize_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Integers (int8, weight's shape) and scales of a float tensor.

    2-D: one fp16 scale per row, shape (rows,). Other shapes: one fp32 scale, shape (), without the floor
    (1.0 for a tensor of zeros).
    """
    values = weight.float()
    if values.ndim == 2:
        limit = torch.quantile(values.abs(), INT8_CLIP_QUANTILE, dim=1)[:, None]
        scale = (limit / INT8_LEVELS).clamp_min(1.0 / INT8_LEVELS)
        integers = torch.round(torch.clamp(values, -limit, limit) / scale)
        return integers.clamp(-INT8_LEVELS, INT8_LEVELS).to(torch.int8), scale[:, 0].to(torch.float16)
    clip = float(torch.quantile(values.abs().flatten(), INT8_CLIP_QUANTILE))
    scale = torch.tensor(clip / INT8_LEVELS if clip > 0 else 1.0)
    integers = torch.round(values.clamp(-clip, clip) / scale)
    return integers.clamp(-INT8_LEVELS, INT8_LEVELS).to(torch.int8), scale


def dequantize_int8(integers: Tensor, scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Integers times their row's (or the tensor's) scale, computed in fp32, cast to `dtype`."""
    factors = scales.float()
    if factors.ndim:
        factors = factors.view(-1, *[1] * (integers.ndim - 1))
    return (integers.float() * factors).to(dtype)
