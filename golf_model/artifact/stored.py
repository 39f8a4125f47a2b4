"""A model as it is stored: each weight's scheme with its integers and scales, or its floats. No container yet.

`store` follows the configuration's export rule, `restore` undoes it, and `check_stored` decides whether tensors
that came out of a file are exactly the ones that this configuration writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from golf_model.config.export import ExportConfig
from golf_model.config.model import ModelConfig
from golf_model.process.errors import ScriptError
from golf_model.quantization.gptq import Turn, known_factors, rounded_by_shape
from golf_model.quantization.lqer import Repair
from golf_model.quantization.quantize import dequantize, quantize
from golf_model.quantization.shaped import fits_steps, quantized_by_plan
from golf_model.quantization.shaping import Shaping, shaped_weights
from golf_model.quantization.step_plan import StepPlan
from golf_model.shapes import (
    LEVELS,
    Scheme,
    clip_width,
    has_row_scales,
    is_shaped,
    parameter_shapes,
    scheme_of,
    schemes,
    step_size,
    stored_bytes,
    wants_plan,
)

FLOAT_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Stored:
    """One weight."""

    scheme: Scheme
    values: Tensor
    """Integers (int8, under `step` int32), or floats of the scheme's precision, in the weight's shape."""
    scales: Tensor | None
    """(rows,) fp16 or () fp32 of an integer scheme; None for floats."""
    dtype: str
    """Precision that the weight had and gets back, e.g. `bfloat16`."""
    repair: Repair | None = field(default=None, kw_only=True)
    """What is added to the decoded matrix, where rounding lost much."""
    shaping: Shaping | None = None
    """Codes of rows and columns and the trellis of a matrix stored as `step`; None: its step is uniform."""

    def decode(self) -> Tensor:
        """The weight."""
        dtype = FLOAT_DTYPES[self.dtype]
        if self.shaping is not None and self.scales is not None:
            return shaped_weights(self.values, self.scales, self.shaping).to(dtype)
        if self.repair is not None and self.scales is not None:
            return (dequantize(self.values, self.scales, torch.float32) + self.repair.decode()).to(dtype)
        return self.values.to(dtype) if self.scales is None else dequantize(self.values, self.scales, dtype)


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` for torch.float32."""
    return str(dtype).removeprefix("torch.")


def shown(name: object) -> str:
    """A name that came out of a file, for one line of a message."""
    return f"{name!r:.60}" if isinstance(name, str) else type(name).__name__


def store(
    state: Mapping[str, Tensor],
    num_layers: int,
    export: ExportConfig,
    hessians: Mapping[str, Tensor] | None = None,
    plan: StepPlan | None = None,
) -> dict[str, Stored]:
    """Every weight of a `state_dict` under the export rule, in its order, on the CPU.

    hessians: of the inputs of matrices that are to be rounded in turn (gptq.py; as `Factors`, so that what they need
    is made once for all tries); they and their matrices are worked on where they are. plan: of shaped steps and of a
    trellis, which those rules cannot do without. ScriptError for a weight that is no finite number.
    """
    stored, planned, turns = {}, dict[str, Tensor](), dict[str, Turn]()
    factors = known_factors(hessians, export.gptq) if hessians else None
    for name, value in state.items():
        hessian = (hessians or {}).get(name)
        tensor = value.detach().contiguous()
        if hessian is None:
            tensor = tensor.cpu()
        if not bool(torch.isfinite(tensor).all()):
            raise ScriptError(f"artifact: {name} holds NaN or infinite weights; nothing was written")
        scheme = scheme_of(name, tensor.numel(), num_layers, export)
        if plan is not None and is_shaped(scheme, tuple(tensor.shape), export):
            planned[name] = tensor
            stored[name] = Stored(scheme, tensor, None, dtype_name(tensor.dtype))
        elif scheme in LEVELS:
            width = clip_width(name, export)
            integers, scales = quantize(tensor, scheme, export, step_size(name, export), width=width)
            if hessian is not None and export.rounding != "nearest":
                turns[name] = Turn(tensor.float(), scales, LEVELS[scheme], hessian)
            stored[name] = Stored(scheme, integers.cpu(), scales.cpu(), dtype_name(tensor.dtype))
        else:
            stored[name] = Stored(scheme, tensor.to(FLOAT_DTYPES[scheme]).cpu(), None, dtype_name(tensor.dtype))
    if factors is not None and turns:
        for name, integers in rounded_by_shape(turns, factors).items():
            stored[name] = replace(stored[name], values=integers.to(stored[name].values.dtype).cpu())
    if plan is not None:
        for name, (integers, scale, shaping) in quantized_by_plan(planned, plan, export).items():
            stored[name] = replace(stored[name], values=integers, scales=scale, shaping=shaping or None)
    return stored


def restore(stored: Mapping[str, Stored]) -> dict[str, Tensor]:
    """The weights again, in their original precision."""
    return {name: item.decode() for name, item in stored.items()}


def payload_size(stored: Mapping[str, Stored], export: ExportConfig) -> int:
    """Bytes of all tensors as the container holds them, before its own and before compression."""
    return sum(stored_bytes(item.scheme, tuple(item.values.shape), export) for item in stored.values())


def check_stored(stored: Mapping[str, Stored], model: ModelConfig, export: ExportConfig) -> None:
    """ScriptError unless these are the model's tensors under the export rule, in types that decode."""
    shapes, expected = parameter_shapes(model), schemes(model, export)
    wrong = shapes.keys() ^ stored.keys()
    for name, item in stored.items():
        if name in shapes and not _fits(item, expected[name], shapes[name]):
            wrong.add(name)
    if wants_plan(export):
        wrong |= {name for name, one in stored.items() if not fits_steps(one.values, one.scales, one.shaping, export)}
    if wrong:
        raise misfit_error(wrong)


def misfit_error(names: Collection[str]) -> ScriptError:
    """The error of tensors that the configuration would not have written."""
    some = ", ".join(map(shown, sorted(names)[:5]))
    return ScriptError(f"artifact: tensors that do not fit this script's model: {some}")


def _fits(item: Stored, scheme: Scheme, shape: tuple[int, ...]) -> bool:
    """Whether one stored weight has the scheme, shape and types that are expected of it."""
    if item.scheme != scheme or tuple(item.values.shape) != shape or item.dtype not in FLOAT_DTYPES:
        return False
    if scheme not in LEVELS:
        floats = item.values
        return item.scales is None and floats.dtype == FLOAT_DTYPES[scheme] and bool(torch.isfinite(floats).all())
    rows, precision = (shape[:1], torch.float16) if has_row_scales(scheme, shape) else ((), torch.float32)
    scales = item.scales
    return (
        item.values.dtype == (torch.int32 if scheme == "step" else torch.int8)
        and bool((item.values.long().abs() <= LEVELS[scheme]).all())
        and scales is not None
        and tuple(scales.shape) == rows
        and scales.dtype == precision
        and bool((torch.isfinite(scales) & (scales >= 0)).all())
    )
