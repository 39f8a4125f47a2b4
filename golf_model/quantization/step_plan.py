"""What steps follow from where the loss feels an error of the weights (ShapedStepsConfig, sensitivity.py).

A step as large as damage allows is the classic reverse water-filling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from golf_model.config.export import ExportConfig
from golf_model.quantization.gptq import Factors, known_factors, packing_rule
from golf_model.quantization.sensitivity import octaves_of, savings, sensitivity
from golf_model.quantization.shaping import Shaping
from golf_model.shapes import scheme_of, step_size

WORTH_BITS = 0.15
"""Predicted bits a weight from which on `auto` shapes the steps."""


@dataclass(frozen=True)
class MatrixSteps(Shaping):
    """The steps of one matrix."""

    factor: float = 1.0
    """The matrix's step in units of what its class has, or of `step.size` where matrices are `predicted`."""


@dataclass(frozen=True)
class StepPlan:
    """The steps of a model's matrices, once for all tries at a size."""

    factors: Factors
    matrices: Mapping[str, MatrixSteps] = field(default_factory=dict)
    """By name, of matrices whose input was looked at; none where `auto` found too little to gain."""
    saved: Mapping[str, float] = field(default_factory=dict)
    """Predicted bits a weight, in all and by rows, columns and matrices alone; empty where steps are not shaped."""

    @property
    def lines(self) -> list[str]:
        """What shaped steps are predicted to save, for the log."""
        bits = " ".join(f"{way}:{bits:.3f}" for way, bits in self.saved.items())
        used = "yes" if self.matrices else "no"
        return [f"shaped_steps predicted_bits_saved {bits} used:{used}"] if self.saved else []

    def size_of(self, name: str, export: ExportConfig) -> float:
        """The tensor's step at the step of `export`."""
        if name in self.matrices and export.steps.matrices == "predicted":
            return export.step.size * self.matrices[name].factor
        return step_size(name, export)


def planned_steps(
    state: Mapping[str, Tensor],
    num_layers: int,
    export: ExportConfig,
    hessians: Mapping[str, Tensor] | None = None,
    fisher: Mapping[str, Tensor] | None = None,
) -> StepPlan:
    """The steps of every matrix that is stored as `step`.

    hessians: by name, sums of x xT; fisher: by name, (rows,) of each output. Both on training tokens, of the weights
    that are packed.
    """
    asked, factors = export.steps, known_factors(hessians or {}, packing_rule(export))
    own = known_factors(factors, export.gptq)
    names = [
        name
        for name, value in state.items()
        if name in own.hessians and scheme_of(name, value.numel(), num_layers, export) == "step"
    ]
    if not asked.are_shaped or not names:
        return StepPlan(factors)
    found = [
        sensitivity(
            name,
            state[name],
            (fisher or {}).get(name),
            own.hessians[name],
            (factors.of(name), own.of(name)),
            export,
        )
        for name in names
    ]
    ways = asked.rows != "off", asked.columns != "off", asked.matrices == "predicted"
    saved = savings(found, ways)
    if asked.auto and saved["total"] < WORTH_BITS:
        return StepPlan(factors, saved=saved)
    octaves = octaves_of(found, ways)
    mean = sum(one.weights * at for one, at in zip(found, octaves, strict=True)) / sum(one.weights for one in found)
    matrices = {}
    for name, one, at in zip(names, found, octaves, strict=True):
        rows, columns = (side.codes if on else None for side, on in zip(one.sides, ways, strict=False))
        matrices[name] = MatrixSteps(rows, columns, factor=2.0 ** (at - mean) if ways[2] else 1.0)
    return StepPlan(factors, matrices, saved)
