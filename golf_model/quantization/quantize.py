"""Rows to small integers and back: the originals' rules, each under the name that the configuration gives it.

Round half to even, one scale a row. What "int6" means differs between the originals in where the scale comes
from, whether it has a floor, and whether it is rounded to fp16 before or after it divides (ExportConfig.rows).
Fake quantisation for training is in qat.py.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from golf_model.config.export import ExportConfig
from golf_model.shapes import LEVELS, Scheme

CLIP_QUANTILE = 0.9999984
SEARCHED_QUANTILES = (0.999, 0.9995, 0.9999, 0.99999, 1.0)
"""Where `clip_search` may clip (PR #1606)."""
SMALLEST_HALF = torch.finfo(torch.float16).tiny

Rows = tuple[Tensor, Tensor]
"""Integers (int8, the matrix's shape) and the fp16 scale of each row."""


def row_quantile(matrix: Tensor, quantile: float) -> Tensor:
    """(rows, 1): that quantile of each row's magnitudes, linearly interpolated."""
    return torch.quantile(matrix.abs(), quantile, dim=1)[:, None]


def rounded(matrix: Tensor, scale: Tensor | float, levels: int) -> Tensor:
    """Integers nearest to matrix / scale, at most `levels` in magnitude; int8, or int32 for more levels than that."""
    dtype = torch.int8 if levels < 128 else torch.int32
    return torch.round(matrix / scale).clamp(-levels, levels).to(dtype)


def clip_floor_rows(matrix: Tensor, levels: int) -> Rows:
    """Official int8 and PR #160: clipped at the 0.9999984 quantile; a scale is never below 1 / levels, so every
    row with values below 1 lies on one fixed grid. Rounding uses the fp32 scale."""
    limit = row_quantile(matrix, CLIP_QUANTILE)
    scale = (limit / levels).clamp_min(1.0 / levels)
    return rounded(torch.clamp(matrix, -limit, limit), scale, levels), scale[:, 0].to(torch.float16)


def amax_float16_rows(matrix: Tensor, levels: int) -> Rows:
    """PRs #102 and #465: the largest magnitude decides, and rounding uses the scale as it is stored."""
    scale = (matrix.abs().amax(1) / levels).clamp_min(1e-12).to(torch.float16).clamp_min(SMALLEST_HALF)
    return rounded(matrix, scale.float()[:, None], levels), scale


def amax_float32_rows(matrix: Tensor, levels: int) -> Rows:
    """PR #372: the largest magnitude decides, rounding uses the fp32 scale, and a row of zeros stores scale 0."""
    scale = matrix.abs().amax(1).clamp_min(1e-8) / levels
    return rounded(matrix, scale[:, None], levels), scale.to(torch.float16)


def clip_search_rows(matrix: Tensor, levels: int) -> Rows:
    """PR #1606's int6: of five clipping quantiles the one with the least squared error over the whole matrix."""
    best: Rows | None = None
    least = float("inf")
    for quantile in SEARCHED_QUANTILES:
        limit = row_quantile(matrix, quantile)[:, 0]
        scale = (limit / levels).clamp_min(1.0 / levels).to(torch.float16)
        integers = rounded(matrix, scale.float()[:, None], levels)
        error = float((integers.float() * scale.float()[:, None] - matrix).square().mean())
        if best is None or error < least:
            best, least = (integers, scale), error
    assert best is not None
    return best


def sdclip_rows(matrix: Tensor, levels: int, width: float) -> Rows:
    """PR #1394: a step is width / levels standard deviations of the row, rounded to fp16 before it divides, so that
    all rows take equal bits. A row of scale 0 becomes zeros."""
    scale = (width * matrix.std(dim=1, correction=min(1, matrix.size(1) - 1)) / levels).clamp_min(1e-10)
    scale = scale.to(torch.float16)
    steps = scale.float()[:, None]
    return rounded(torch.where(steps > 0, matrix / steps, 0.0), 1.0, levels), scale


ROW_RULES: dict[str, Callable[[Tensor, int], Rows]] = {
    "clip_floor": clip_floor_rows,
    "amax_float16": amax_float16_rows,
    "amax_float32": amax_float32_rows,
    "clip_search": clip_search_rows,
}


def quantize(
    weight: Tensor,
    scheme: Scheme,
    export: ExportConfig,
    step: float = 0.0,
    width: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Integers (the weight's shape) and scales of a float tensor under an integer scheme.

    A matrix has one fp16 scale a row, shape (rows,); its int8 rows follow the official rule, fewer bits the
    configured one, `sdclip` for all, whose width in standard deviations is `width`. Any other shape has one fp32
    scale, shape (), without a floor (1.0 for a tensor of zeros). Under `step` that scale is the given step for every
    shape. Integers are int8, under `step` int32.
    """
    values, levels = weight.float(), LEVELS[scheme]
    if scheme == "step":
        scales = torch.tensor(step, device=values.device)
        integers = rounded(values, scales, levels)
    elif values.ndim == 2:
        if export.rows == "sdclip":
            integers, scales = sdclip_rows(values, levels, width)
        else:
            integers, scales = (clip_floor_rows if scheme == "int8" else ROW_RULES[export.rows])(values, levels)
    else:
        clip = float(torch.quantile(values.abs().flatten(), CLIP_QUANTILE))
        scales = torch.tensor(clip / levels if clip > 0 else 1.0)
        integers = rounded(values.clamp(-clip, clip), scales, levels)
    return integers, scales


def dequantize(integers: Tensor, scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Integers times their row's (or the tensor's) scale, computed in fp32, cast to `dtype`."""
    factors = scales.float()
    if factors.ndim:
        factors = factors.view(-1, *[1] * (integers.ndim - 1))
    return (integers.float() * factors).to(dtype)
