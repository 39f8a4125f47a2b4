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

from golf_model.artifact.artifact import PackedModel, pack_model
from golf_model.artifact.golf_container import as_matrix, write_golf
from golf_model.artifact.step_codes import codes_length
from golf_model.artifact.stored import store
from golf_model.config.export import ExportConfig
from golf_model.config.grids import StepConfig
from golf_model.config.model import ModelConfig
from golf_model.entropy_coding.entropy import coded_bytes
from golf_model.process.errors import ScriptError
from golf_model.quantization.gptq import known_factors, packing_rule
from golf_model.quantization.quantize import rounded
from golf_model.quantization.step_plan import StepPlan, planned_steps
from golf_model.shapes import LEVELS, block_shapes, scheme_of, step_size, wants_plan

AIM = 0.9998
"""Share of the cap that is aimed at."""
CLOSE = 0.9995
"""Share of the cap from which on a size is taken without trying for more."""
WINDOW = 0.999
"""Share of the cap that a fitted size has to reach."""
MOST_TRIES = 24


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
        plan: StepPlan | None = None,
    ) -> None:
        """plan: of shaped steps; a trellis needs none here: its indices take what integers at the same step would."""
        self.export, self.plan = export, plan
        schemes = {name: scheme_of(name, value.numel(), model.num_layers, export) for name, value in state.items()}
        self.stepped = {name: value.detach().float() for name, value in state.items() if schemes[name] == "step"}
        self.weights = sum(value.numel() for value in self.stepped.values())
        rest = {name: value for name, value in state.items() if name not in self.stepped}
        self.fixed = code_bytes + len(write_golf(store(rest, model.num_layers, export), "rans")[0])
        self.scales: dict[str, Tensor] = {}
        if plan is not None and plan.matrices:
            shapes = {name: steps for name, steps in plan.matrices.items() if name in self.stepped}
            self.fixed += codes_length(shapes)
            self.scales = {name: shaping.unit_steps(self.stepped[name]) for name, shaping in shapes.items()}

    def total(self, size: float) -> float:
        """Bytes of script and artifact at a step."""
        export = sized(self.export, size)
        integers = (self._integers(name, value, export) for name, value in self.stepped.items())
        return self.fixed + coded_bytes(list(integers))

    def _integers(self, name: str, value: Tensor, export: ExportConfig) -> Tensor:
        """(rows, columns) of one tensor at the step of `export`."""
        step = step_size(name, export) if self.plan is None else self.plan.size_of(name, export)
        matrix = as_matrix(value)
        return rounded(matrix / self.scales[name] if name in self.scales else matrix, step, LEVELS["step"])


@dataclass(frozen=True)
class Step:
    """A step and the bytes that it was found to take."""

    size: float
    total: float
    tries: int


def find_step(total: Callable[[float], float], bounds: StepConfig, weights: int, start: float = 0.0) -> Step:
    """The step of a few tries at which `total` is within the cap and nearest to it.

    total: bytes at a step, falling with it; weights: how many are coded; start: a guess (0: none). Newton's method on
    the logarithm of the step, a bit per weight and octave at first and the measured slope then, kept inside the
    interval that holds the solution; now and then its middle. Where even the coarsest step is too large for the cap,
    that is what is returned.
    """
    cap, aim = bounds.cap_bytes, AIM * bounds.cap_bytes
    finest, coarsest = math.log2(bounds.finest), math.log2(bounds.coarsest)
    fine, coarse, slope = finest, coarsest, -max(weights, 1) / 8.0
    at = min(max(math.log2(start), fine), coarse) if start else (fine + coarse) / 2
    tried: dict[float, float] = {}
    best: Step | None = None
    while len(tried) < MOST_TRIES:
        size = {finest: bounds.finest, coarsest: bounds.coarsest}.get(at, 2.0**at)
        found = tried[at] = total(size)
        if found <= cap and (best is None or found > best.total):
            best = Step(size, found, len(tried))
        if CLOSE * cap <= found <= cap or (found <= cap and at == finest):
            break
        if found > cap and at == coarsest:
            return Step(size, found, len(tried))
        slope = _slope(tried, slope)
        fine, coarse = (at, coarse) if found > cap else (fine, at)
        guess = min(max(at - (found - aim) / slope, fine), coarse)
        at = (fine + coarse) / 2 if guess in tried or len(tried) % 4 == 0 else guess
    return best or Step(bounds.coarsest, total(bounds.coarsest), len(tried) + 1)


def _slope(tried: dict[float, float], otherwise: float) -> float:
    """Bytes per octave between the last two tries, if they say anything."""
    (first, before), (last, after) = [*tried.items()][-2:] if len(tried) > 1 else [(0.0, 0.0)] * 2
    return (after - before) / (last - first) if (after - before) * (last - first) < 0 else otherwise


def pack_to_fit(
    state: Mapping[str, Tensor],
    model: ModelConfig,
    export: ExportConfig,
    code_bytes: int,
    hessians: Mapping[str, Tensor] | None = None,
    plan: StepPlan | None = None,
) -> tuple[PackedModel, Step]:
    """Quantise and pack until script and artifact just fit the cap; the step to be found must be open in `export`.

    plan: of shaped steps, made from the Hessians alone where there is none. ScriptError
    where not even the coarsest step fits, with what would.
    """
    if hessians:
        hessians = known_factors(hessians, packing_rule(export))  # made once for all tries
    if plan is None and wants_plan(export):
        plan = planned_steps(state, model.num_layers, export, hessians)
    expected = SizeModel(state, model, export, code_bytes, plan)
    start = find_step(expected.total, export.step, expected.weights)
    packs: dict[float, PackedModel] = {}

    def total(size: float) -> float:
        coder = replace(sized(export, size), compressor="rans")
        packs[size] = pack_model(state, model, coder, hessians, plan)
        return code_bytes + len(packs[size].blob)

    step = find_step(total, export.step, expected.weights, start.size)
    if step.total > export.step.cap_bytes:
        raise ScriptError(cannot_fit(step, expected.weights, model, export))
    packed = packs[step.size]
    if export.compressor == "auto":
        measured = pack_model(state, model, sized(export, step.size), hessians, plan)
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
