"""Rate control: the step with which script and artifact together land just under the cap.

Under one uniform step and an entropy coder the size is a continuous function of the step: an octave is a bit per
weight. A few evaluations find it. `SizeModel` knows the size closely without packing, for training and forecasts;
`pack_to_fit` packs, and what it returns was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from golf_model.artifact import PackedModel, pack_model
from golf_model.config import ExportConfig, ModelConfig, StepConfig
from golf_model.entropy import coded_bytes
from golf_model.errors import ScriptError
from golf_model.golf_container import as_matrix, write_golf
from golf_model.quantize import rounded
from golf_model.shapes import LEVELS, block_shapes, scheme_of, step_size
from golf_model.stored import store

AIM = 0.9998
"""Share of the cap that is aimed at."""
CLOSE = 0.9995
"""Share of the cap from which on a size is taken without trying for more."""
WINDOW = 0.999
"""Share of the cap that a fitted size has to reach."""
MOST_TRIES = 16


def sized(export: ExportConfig, size: float) -> ExportConfig:
    """The export rule with that step."""
    return replace(export, step=replace(export.step, size=size))


class SizeModel:
    """What script and artifact of some weights take at a step, closely (0.1 %), by rounding to nearest and counting.

    Works on the weights where they are; nothing is packed but what does not depend on the step.
    """

    def __init__(
        self,
        state: Mapping[str, Tensor],
        model: ModelConfig,
        export: ExportConfig,
        code_bytes: int,
    ) -> None:
        self.export = export
        schemes = {name: scheme_of(name, value.numel(), model.num_layers, export) for name, value in state.items()}
        self.stepped = {name: value.detach().float() for name, value in state.items() if schemes[name] == "step"}
        self.weights = sum(value.numel() for value in self.stepped.values())
        rest = {name: value for name, value in state.items() if name not in self.stepped}
        self.fixed = code_bytes + len(write_golf(store(rest, model.num_layers, export), "rans")[0])

    def total(self, size: float) -> float:
        """Bytes of script and artifact at a step."""
        export = sized(self.export, size)
        integers = (
            rounded(as_matrix(value), step_size(name, export), LEVELS["step"]) for name, value in self.stepped.items()
        )
        return self.fixed + coded_bytes(list(integers))


@dataclass(frozen=True)
class Step:
    """A step and the bytes that it was found to take."""

    size: float
    total: float
    tries: int


def find_step(total: Callable[[float], float], bounds: StepConfig, weights: int, start: float = 0.0) -> Step:
    """The smallest step of a few tries at which `total` is within the cap, as near to it as makes no difference.

    total: bytes at a step, falling with it; weights: how many are coded; start: a guess (0: none). Where even the
    coarsest step is too large for the cap, that is what is returned.
    """
    cap, aim = bounds.cap_bytes, AIM * bounds.cap_bytes
    fine, coarse = bounds.finest, bounds.coarsest
    size = min(max(start or math.sqrt(fine * coarse), fine), coarse)
    best: Step | None = None
    for tries in range(1, MOST_TRIES + 1):
        found = total(size)
        if found <= cap and (best is None or found > best.total):
            best = Step(size, found, tries)
        if CLOSE * cap <= found <= cap:
            break
        if found > cap:
            if size >= bounds.coarsest:
                return Step(size, found, tries)
            fine = size
        else:
            if size <= bounds.finest:
                break
            coarse = size
        size = _next_size(size, found - aim, weights, fine, coarse, bounds)
    return best or Step(bounds.coarsest, total(bounds.coarsest), MOST_TRIES)


def _next_size(size: float, excess: float, weights: int, fine: float, coarse: float, bounds: StepConfig) -> float:
    """Newton's step, a bit per weight and octave; the middle of what is left where that leads out of it."""
    octaves = 8 * excess / max(weights, 1)
    guess = size * 2.0 ** min(max(octaves, -8.0), 8.0)
    if guess <= bounds.finest and fine == bounds.finest:
        return bounds.finest
    if guess >= bounds.coarsest and coarse == bounds.coarsest:
        return bounds.coarsest
    return guess if fine < guess < coarse else math.sqrt(fine * coarse)


def pack_to_fit(
    state: Mapping[str, Tensor],
    model: ModelConfig,
    export: ExportConfig,
    code_bytes: int,
    hessians: Mapping[str, Tensor] | None = None,
) -> tuple[PackedModel, Step]:
    """Quantise and pack until script and artifact just fit the cap; the step to be found must be open in `export`.

    ScriptError where not even the coarsest step fits, with what would.
    """
    expected = SizeModel(state, model, export, code_bytes)
    start = find_step(expected.total, export.step, expected.weights)
    packs: dict[float, PackedModel] = {}

    def total(size: float) -> float:
        coder = replace(sized(export, size), compressor="rans")
        packs[size] = pack_model(state, model, coder, hessians)
        return code_bytes + len(packs[size].blob)

    step = find_step(total, export.step, expected.weights, start.size)
    if step.total > export.step.cap_bytes:
        raise ScriptError(cannot_fit(step, expected.weights, model, export))
    packed = packs[step.size]
    if export.compressor == "auto":
        measured = pack_model(state, model, sized(export, step.size), hessians)
        packed = measured if len(measured.blob) <= len(packed.blob) else packed
    return packed, step


def cannot_fit(step: Step, weights: int, model: ModelConfig, export: ExportConfig) -> str:
    """What was reached and what would fit."""
    cap, over = export.step.cap_bytes, step.total - export.step.cap_bytes
    bits = 8 * step.total / max(weights, 1)
    block = sum(math.prod(shape) for shape in block_shapes(model).values()) * bits / 8
    fewer = math.ceil(over / block)
    width = math.floor(model.model_dim * math.sqrt(cap / step.total))
    layers = f"{model.num_layers - fewer} layers" if fewer < model.num_layers else "no number of layers"
    coarser = step.size * 2.0 ** (8 * over / max(weights, 1))
    return (
        f"artifact: with the coarsest step allowed, {step.size:g}, script and artifact take {step.total:,.0f} bytes, "
        f"{over:,.0f} over the cap of {cap:,}. About this would fit: {layers}, or a model_dim of {width}, or a step "
        f"of {coarser:.3g} (export.step.coarsest)"
    )
