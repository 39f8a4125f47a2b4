"""Six-bit integers, four in three bytes, as PR #160 stores them.

Little-endian bit order: the first value takes the low six bits of the first byte. A tensor is packed flat, in C
order, padded with zeros to a multiple of four values.
"""

from __future__ import annotations

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor


def pack_six(integers: Tensor) -> Tensor:
    """int8 values in [-32, 31], any shape -> uint8 (3 * ceil(numel / 4),)."""
    flat = integers.flatten()
    v = (F.pad(flat, (0, -flat.numel() % 4)).to(torch.int32) & 0x3F).view(-1, 4)
    first = v[:, 0] | (v[:, 1] & 3) << 6
    second = v[:, 1] >> 2 | (v[:, 2] & 15) << 4
    third = v[:, 2] >> 4 | v[:, 3] << 2
    return torch.stack((first, second, third), 1).flatten().to(torch.uint8)


def unpack_six(packed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The int8 values of `shape` that `pack_six` packed; ValueError unless `packed` is uint8 of their length."""
    if packed.dtype != torch.uint8 or packed.numel() != -(-prod(shape) // 4) * 3:
        raise ValueError(f"{packed.numel()} bytes do not hold six-bit integers of shape {shape}")
    b = packed.to(torch.int32).view(-1, 3)
    values = (b[:, 0], b[:, 0] >> 6 | b[:, 1] << 2, b[:, 1] >> 4 | b[:, 2] << 4, b[:, 2] >> 2)
    unsigned = torch.stack(values, 1).flatten() & 0x3F
    signed = torch.where(unsigned >= 32, unsigned - 64, unsigned).to(torch.int8)
    return signed[: prod(shape)].view(shape)
