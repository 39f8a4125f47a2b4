"""Matrices to integers under shaped steps and by the configured rounding; those of one shape are searched together.

What is written by it is read by shaping.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from golf_model.config.export import ExportConfig
from golf_model.quantization.gptq import in_order_together
from golf_model.quantization.quantize import rounded
from golf_model.quantization.shaping import Shaping, quarter_octaves, shaped_weights
from golf_model.quantization.step_plan import MatrixSteps, StepPlan
from golf_model.quantization.trellis_search import trellis_search
from golf_model.shapes import LEVELS


@dataclass(frozen=True)
class Flattened:
    """One matrix in units of its columns' steps, and what to round it by."""

    values: Tensor
    """(rows, columns) fp32."""
    scale: Tensor
    """() fp32: the step, under a trellis the fine one."""
    steps: Tensor
    """(rows,) fp32."""
    shaping: Shaping
    order: Tensor | None
    factor: Tensor | None
    """GPTQ's, of columns in those units; None where nothing is known of the input."""


def flattened(name: str, weight: Tensor, plan: StepPlan, export: ExportConfig) -> Flattened:
    """weight: (rows, columns) on any device."""
    own, states = plan.matrices.get(name, MatrixSteps()), export.trellis_states if export.rounding == "trellis" else 0
    size = plan.size_of(name, export)
    scale = torch.tensor(size / 2 if states else size, device=weight.device)
    rows, columns = (None if codes is None else codes.to(weight.device) for codes in (own.rows, own.columns))
    steps = scale.expand(len(weight)) if rows is None else scale * quarter_octaves(rows)
    order, factor = None, None
    if name in plan.factors.hessians and export.rounding != "nearest":
        order, factor = plan.factors.of(name)
    values = weight.float()
    if columns is not None:
        values = values / quarter_octaves(columns)
        if factor is not None and order is not None:
            factor = factor / quarter_octaves(columns)[order]
    shaping = Shaping(own.rows, own.columns, states)
    return Flattened(values, scale.cpu(), steps, shaping, order, factor)


def rounded_alike(matrices: Sequence[Flattened]) -> list[Tensor]:
    """int32 integers without a trellis, of matrices of one shape, all with a factor or all without."""
    known = [
        (one.values, one.steps, one.order, one.factor)
        for one in matrices
        if one.order is not None and one.factor is not None
    ]
    if not known:
        return [rounded(one.values, one.steps[:, None], LEVELS["step"]) for one in matrices]
    return [found.to(torch.int32) for found in in_order_together(known, LEVELS["step"])]


def searched_together(matrices: Sequence[Flattened]) -> list[Tensor]:
    """int32 indices of matrices of one shape, all with a factor or all without."""
    values, steps = (torch.stack(some) for some in zip(*((one.values, one.steps) for one in matrices), strict=True))
    known = [one.factor for one in matrices if one.factor is not None]
    found = trellis_search(values, steps, torch.stack(known) if known else None, matrices[0].shaping.states)[0]
    return list(found)


def quantized_by_plan(
    weights: Mapping[str, Tensor], plan: StepPlan, export: ExportConfig
) -> dict[str, tuple[Tensor, Tensor, Shaping]]:
    """By name, of matrices stored as `step`: integers int32 on the CPU, the scale () fp32, the shape of the steps."""
    flat = {name: flattened(name, weight, plan, export) for name, weight in weights.items()}
    integers: dict[str, Tensor] = {}
    way = searched_together if export.rounding == "trellis" else rounded_alike
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, one in flat.items():
        alike.setdefault((one.values.shape, one.values.device, one.factor is None), []).append(name)
    for names in alike.values():
        integers |= zip(names, way([flat[name] for name in names]), strict=True)
    return {name: (integers[name].cpu(), one.scale, one.shaping) for name, one in flat.items()}


def fits_steps(values: Tensor, scales: Tensor | None, shaping: Shaping | None, export: ExportConfig) -> bool:
    """Whether the shape of a weight's steps is one that the export rule may give, and decodes to finite weights."""
    own, asked = shaping or Shaping(), export.steps
    on_trellis = values.dtype == torch.int32 and values.ndim == 2 and export.rounding == "trellis"
    if own.states != (export.trellis_states if on_trellis else 0):
        return False
    for at, (codes, on) in enumerate(((own.rows, asked.rows), (own.columns, asked.columns))):
        if codes is not None and (on == "off" or len(codes) != values.size(at)):
            return False
    return shaping is None or scales is None or bool(torch.isfinite(shaped_weights(values, scales, shaping)).all())
