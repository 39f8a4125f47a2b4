"""RMS norm and rotary positions: the two weightless functions of the attention.

Rotation is by halves (not interleaved) over all dimensions of a head, or over the first ones alone (partial rotation,
PR #315), in which case the halves are those of these. Both carry their own backward pass: torch's generic one for the
norm takes five times as long on CPU, where it also goes by pieces, and a rotation needs nothing saved but its tables.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from golf_model.pieces import in_pieces

NormEps = Literal["float32", "compute"]
"""Whose machine epsilon a norm adds: that of float32, or that of its input's precision, as older torch did for
bfloat16 (0.0078, PR #465). Explicit, because torch's `eps=None` has meant both."""


class CpuRmsNorm(torch.autograd.Function):
    """RMS norm in at least fp32 inside, in the input's dtype outside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        """x / sqrt(mean(x^2) + eps) over the last dimension."""
        wide = torch.promote_types(x.dtype, torch.float32)
        y, scale = torch.empty(x.shape, dtype=x.dtype), torch.empty((*x.shape[:-1], 1), dtype=wide)
        for some, result, length in in_pieces(x, y, scale):
            values = some.to(wide)
            torch.linalg.vector_norm(values, dim=-1, keepdim=True, out=length)
            length.square_().div_(x.size(-1)).add_(eps).rsqrt_()
            result.copy_(torch.mul(values, length, out=result if x.dtype == wide else values))
        ctx.save_for_backward(y, scale)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """scale * (grad - y * mean(grad * y))."""
        y, scale = ctx.saved_tensors
        result = torch.empty(y.shape, dtype=y.dtype)
        for slope, values, factor, out in in_pieces(grad, y, scale, result):
            slope, values = slope.to(scale.dtype), values.to(scale.dtype)
            along = (slope * values).mean(-1, keepdim=True)
            out.copy_(torch.addcmul(slope, values, along, value=-1.0).mul_(factor))
        return result, None


def rms_norm(x: Tensor, eps: NormEps) -> Tensor:
    """Divide by the root mean square over the last dimension; no weight, same shape and dtype."""
    epsilon = torch.finfo(x.dtype if eps == "compute" else torch.float32).eps
    if x.is_cpu:
        return CpuRmsNorm.apply(x, epsilon)  # type: ignore[no-any-return, no-untyped-call]
    return F.rms_norm(x, (x.size(-1),), eps=epsilon)


def rope_frequencies(dims: int, base: float, dtype: torch.dtype) -> Tensor:
    """(dims / 2,) angular frequencies base^(-2j/dims) of the `dims` dimensions of a head that turn, computed in fp32,
    then rounded to `dtype`."""
    exponents = torch.arange(0, dims, 2, dtype=torch.float32) / dims
    return (1.0 / base**exponents).to(dtype)


def ntk_base(base: float, dims: int, length: int, train_length: int) -> float:
    """Base for sequences longer than those of training (NTK scaling, PR #160); train_length 0 never scales. dims: of
    a head that turn."""
    if not train_length or length <= train_length:
        return base
    return float(base * (length / train_length) ** (dims / (dims - 2)))


def rope_tables(frequencies: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine tables, both (length, dims / 2), positions 0..length-1.

    Positions and products take the dtype of `frequencies`: with bfloat16 that is the originals' defect
    (positions above 256 are rounded), with float32 the clean function.
    """
    positions = torch.arange(length, device=frequencies.device, dtype=frequencies.dtype)
    angles = torch.outer(positions, frequencies)
    return angles.cos(), angles.sin()


def spread_tables(cos: Tensor, sin: Tensor, heads: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Tables (time, heads, dims) for `rotate`: both halves and all heads written out, the second sine negative.

    Written out because multiplying two dense arrays is several times faster on CPU than broadcasting short rows.
    """
    both = torch.cat((cos, cos), dim=-1), torch.cat((sin, -sin), dim=-1)
    return both[0].to(dtype)[:, None].repeat(1, heads, 1), both[1].to(dtype)[:, None].repeat(1, heads, 1)


def turned(x: Tensor, cos: Tensor, sin: Tensor, way: float) -> Tensor:
    """The first dimensions of x, as many as the tables have, turned forth (way 1) or back (-1); the others as they
    are."""
    dims = cos.size(-1)
    if dims == x.size(-1):
        return torch.addcmul(x * cos, torch.roll(x, dims // 2, -1), sin, value=way)
    first = x[..., :dims]
    return torch.cat(
        (torch.addcmul(first * cos, torch.roll(first, dims // 2, -1), sin, value=way), x[..., dims:]), -1
    )


class Rotation(torch.autograd.Function):
    """A rotation; its backward pass is the opposite rotation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x * cos + (halves of x swapped) * sin."""
        ctx.save_for_backward(cos, sin)
        return turned(x, cos, sin, 1.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """The same with the angle negated."""
        cos, sin = ctx.saved_tensors
        return turned(grad, cos, sin, -1.0), None, None


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x (..., time, heads, head_dim) by spread tables (time, heads, dims) of its dtype, dims <= head_dim."""
    return Rotation.apply(x, cos, sin)  # type: ignore[no-any-return, no-untyped-call]
