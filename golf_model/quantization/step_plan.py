"""Where the loss feels an error of the weights, and what steps follow from it (ShapedStepsConfig), with the bits that
they are predicted to save.

The damage of an error in row i and column j is taken as F_i / U_jj ** 2 times its square: Fisher information of the
row's output, and the diagonal of GPTQ's Cholesky factor, which is what the column's error costs once later columns
have made up for what they can. A step as large as damage allows is the classic reverse water-filling; its gain over
one step for all is half the logarithm of the arithmetic over the geometric mean of the damages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from golf_model.config import ExportConfig, GptqConfig
from golf_model.quantization.gptq import ordered_factor
from golf_model.quantization.shaping import LARGEST_STEP_CODE, PER_STEP_OCTAVE, Shaping
from golf_model.shapes import scheme_of, step_size

WORTH_BITS = 0.15
"""Predicted bits a weight from which on `auto` shapes the steps."""
MOST_COARSER = 2.0
"""Octaves that a matrix's step, in units of its own deviation, may lie above the mean. Beyond that its weights become
zeros, which saves nothing and of whose damage a curvature says nothing: seen of layers that are all but dead.
"""


class Factors:
    """GPTQ's Cholesky factors by the matrix's name, each made once; matrices that share a Hessian share it."""

    def __init__(self, hessians: Mapping[str, Tensor], gptq: GptqConfig) -> None:
        self.hessians, self.gptq = hessians, gptq
        self.made: dict[int, tuple[Tensor, Tensor]] = {}

    def of(self, name: str) -> tuple[Tensor, Tensor]:
        """(order of the columns, factor in that order)."""
        hessian = self.hessians[name]
        if id(hessian) not in self.made:
            self.made[id(hessian)] = ordered_factor(hessian, self.gptq)
        return self.made[id(hessian)]


@dataclass(frozen=True)
class MatrixSteps:
    """The steps of one matrix."""

    rows: Tensor | None = None
    """(rows,) int16 codes."""
    columns: Tensor | None = None
    """(columns,) int16 codes."""
    factor: float = 1.0
    """The matrix's step in units of what its class has, or of `step.size` where matrices are `predicted`."""

    @property
    def shaping(self) -> Shaping:
        """The codes, as the artifact has them."""
        return Shaping(self.rows, self.columns)


@dataclass(frozen=True)
class StepPlan:
    """The steps of a model's matrices, once for all tries at a size."""

    export: ExportConfig
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

    def steps_of(self, name: str) -> MatrixSteps:
        """Of any tensor."""
        return self.matrices.get(name, MatrixSteps())

    def size_of(self, name: str, export: ExportConfig) -> float:
        """The tensor's step at the step of `export`."""
        if name in self.matrices and export.steps.matrices == "predicted":
            return export.step.size * self.matrices[name].factor
        return step_size(name, export)


@dataclass(frozen=True)
class Sensitivity:
    """Damage of one matrix, in two vectors whose product it is, and the codes chosen for it."""

    weights: int
    by_row: Tensor
    """(rows,) float64."""
    by_column: Tensor
    """(columns,) float64."""
    rows: Tensor
    columns: Tensor
    """Codes, int16, 0 where there are none."""
    octaves: float
    """Logarithm of the matrix's step as its class has it."""
    deviation: float
    """Logarithm of the root of the weights' mean square."""

    def damage(self, *, rows: bool, columns: bool) -> float:
        """Mean over the weights, at a step of 1 times the codes that are asked for."""
        by_row, by_column = (
            vector * 4.0 ** (codes.double() / PER_STEP_OCTAVE) if asked else vector
            for vector, codes, asked in ((self.by_row, self.rows, rows), (self.by_column, self.columns, columns))
        )
        return float(by_row.mean() * by_column.mean())

    def shift(self, *, rows: bool, columns: bool) -> float:
        """Mean logarithm of the steps by those codes, in octaves."""
        chosen = [codes for codes, asked in ((self.rows, rows), (self.columns, columns)) if asked]
        return sum(float(codes.double().mean()) for codes in chosen) / PER_STEP_OCTAVE

    def predicted_octaves(self, *, rows: bool = True, columns: bool = True) -> float:
        """Logarithm of the step at which the matrix's damage is 1."""
        return -0.5 * math.log2(self.damage(rows=rows, columns=columns))


def step_codes(logs: Tensor) -> Tensor:
    """int16 codes nearest to logarithms of steps (n,), in octaves, whose mean becomes 0."""
    codes = torch.round(PER_STEP_OCTAVE * (logs - logs.mean()))
    return codes.clamp_(-LARGEST_STEP_CODE, LARGEST_STEP_CODE).to(torch.int16).cpu()


def sensitivity(
    name: str, weight: Tensor, fisher: Tensor | None, factors: Factors, export: ExportConfig
) -> Sensitivity:
    """Of one matrix (rows, columns); fisher: (rows,) of its outputs, None where the loss was not asked."""
    asked, tiny, rows = export.steps, torch.finfo(torch.float32).tiny, len(weight)
    order, factor = factors.of(name)
    place = torch.argsort(order)
    by_column = factor.diagonal()[place].double().clamp_min(tiny).square().reciprocal()
    by_row = torch.ones(rows, dtype=torch.float64)
    if fisher is not None and float(fisher.mean()) > 0:
        by_row = fisher.double() + asked.rows_floor * fisher.double().mean()
    no_rows, no_columns = (torch.zeros(len(side), dtype=torch.int16) for side in (by_row, by_column))
    seen = factors.hessians[name].diagonal().double()
    seen = (seen + export.gptq.damping * seen.mean()).clamp_min(tiny)
    logs = -0.5 * (seen if asked.columns == "hessian" else by_column).log2()
    return Sensitivity(
        weights=rows * len(by_column),
        by_row=by_row.cpu(),
        by_column=by_column.cpu(),
        rows=step_codes(-0.5 * asked.rows_power * by_row.log2()) if asked.rows == "fisher" else no_rows,
        columns=step_codes(asked.columns_power * logs) if asked.columns != "off" else no_columns,
        deviation=0.5 * math.log2(max(float(weight.float().square().mean()), tiny)),
        octaves=math.log2(step_size(name, replace(export, step=replace(export.step, size=1.0)))),
    )


def octaves_of(found: list[Sensitivity], *, rows: bool = True, columns: bool = True) -> list[float]:
    """Logarithms of the matrices' steps at which their damages are equal, and none is too coarse."""
    whole = max(sum(one.weights for one in found), 1)
    octaves = [one.predicted_octaves(rows=rows, columns=columns) for one in found]
    for _ in range(8):  # the mean falls with what is cut off
        mean = sum(one.weights * (own - one.deviation) for one, own in zip(found, octaves, strict=True)) / whole
        octaves = [min(own, one.deviation + mean + MOST_COARSER) for one, own in zip(found, octaves, strict=True)]
    return octaves


def bits_saved(found: list[Sensitivity], *, rows: bool, columns: bool, matrices: bool) -> float:
    """Predicted bits a weight against the steps that the classes have, at equal damage."""
    whole = sum(one.weights for one in found)
    before = after = octaves = 0.0
    planned = octaves_of(found, rows=rows, columns=columns)
    for one, predicted in zip(found, planned, strict=True):
        own = predicted if matrices else one.octaves
        shift = one.shift(rows=rows, columns=columns)
        before += one.weights * one.damage(rows=False, columns=False) * 4.0**one.octaves
        after += one.weights * one.damage(rows=rows, columns=columns) * 4.0**own
        octaves += one.weights * (own + shift - one.octaves)
    return 0.5 * math.log2(before / after) + octaves / whole if whole else 0.0


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
    natural = replace(export.gptq, order=export.gptq.order and export.rounding != "trellis")
    plan = StepPlan(export, Factors(hessians or {}, natural))
    asked = export.steps
    if not asked.are_shaped:
        return plan
    seen = {name: value for name, value in state.items() if name in plan.factors.hessians}
    names = [name for name in seen if scheme_of(name, seen[name].numel(), num_layers, export) == "step"]
    found = [sensitivity(name, seen[name], (fisher or {}).get(name), plan.factors, export) for name in names]
    ways = {"rows": asked.rows != "off", "columns": asked.columns != "off", "matrices": asked.matrices == "predicted"}
    saved = {"total": bits_saved(found, **ways)}
    for way, on in ways.items():
        saved[way] = bits_saved(found, **{other: on and other == way for other in ways})
    if asked.auto and saved["total"] < WORTH_BITS:
        return replace(plan, saved=saved)
    octaves = octaves_of(found)
    shifted = [
        one.weights * (own + one.shift(rows=True, columns=True)) for one, own in zip(found, octaves, strict=True)
    ]
    mean = sum(shifted) / max(sum(one.weights for one in found), 1)
    matrices = {}
    for name, one, own in zip(names, found, octaves, strict=True):
        matrices[name] = MatrixSteps(
            rows=one.rows if ways["rows"] else None,
            columns=one.columns if ways["columns"] else None,
            factor=2.0 ** (own - mean) if ways["matrices"] else 1.0,
        )
    return replace(plan, matrices=matrices, saved=saved)
