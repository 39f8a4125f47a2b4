"""Where the loss feels an error of the weights, what steps follow, and how many bits those are predicted to save.

The damage of an error in row i and column j is taken as F_i / U_jj ** 2 times its square: Fisher information of the
row's output, and the diagonal of GPTQ's Cholesky factor, which is what the column's error costs once later columns
have made up for what they can. At equal mean logarithm of the steps, the damage of one step for all is that of shaped
ones times the arithmetic over the geometric mean of the damages. What that is worth in bits is less than half its
logarithm: where steps are coarse the coder pays less than a bit for an octave, and it pays for what is spent on rows
and columns of small weights. So bits are those of normal weights whose deviation depends on row and column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from golf_model.config.export import ExportConfig
from golf_model.quantization.shaping import LARGEST_STEP_CODE, PER_STEP_OCTAVE
from golf_model.shapes import step_size

TOLD_AT = 4.0
"""Bits a weight under uniform steps, at which savings are predicted; at 5 they are a tenth larger."""
MOST_COARSER = 2.0
"""Octaves that a matrix's step, in units of its own deviation, may lie above the mean. Beyond that its weights become
zeros, which saves nothing and of whose damage a curvature says nothing: seen of layers that are all but dead.
"""
SEEN = 256
"""Rows and columns of a matrix, about, whose bits are counted."""
TINY = 1e-30
NORMAL = math.log2(2 * math.pi * math.e)
"""Twice the bits of a normal variable in steps of its deviation."""
Ways = tuple[bool, bool, bool]
"""Whether rows, columns and matrices have steps of their own."""


@dataclass(frozen=True)
class Side:
    """Rows or columns of one matrix; all (side,) on the CPU."""

    damage: Tensor
    """float64, of an error of 1."""
    energy: Tensor
    """float64 logarithm of the weights' mean square."""
    codes: Tensor
    """Of the steps, int16; 0 where they are off."""

    def octaves(self, shaped: bool) -> Tensor:
        """Logarithm of the steps by the codes, if those are asked for."""
        return shaped * self.codes.double() / PER_STEP_OCTAVE


@dataclass(frozen=True)
class Sensitivity:
    """One matrix."""

    weights: int
    sides: tuple[Side, Side]
    """Rows, columns."""
    plain: float
    """Damage where columns are rounded in GPTQ's own order, in units of what it is in the order that is used."""
    octaves: float
    """Logarithm of the matrix's step as its class has it."""
    deviation: float
    """Logarithm of the root of the weights' mean square."""

    def damage(self, ways: Ways) -> float:
        """Logarithm of the mean over the weights, at a step of 1 times the codes that are asked for.

        Columns of one step are taken in GPTQ's own order.
        """
        means = [(side.damage * 4.0 ** side.octaves(on)).mean() for side, on in zip(self.sides, ways, strict=False)]
        return math.log2(float(means[0] * means[1]) * (1.0 if ways[1] else self.plain))

    def bits(self, ways: Ways, octaves: float) -> float:
        """Bits a weight of normal weights, at those steps; of some rows and columns."""
        rows, columns = (
            (side.energy - 2 * side.octaves(on))[:: 1 + len(side.codes) // SEEN]
            for side, on in zip(self.sides, ways, strict=False)
        )
        ratios = rows[:, None] + columns - 2 * (self.deviation + octaves) + NORMAL
        return float(torch.logaddexp2(ratios, torch.zeros(())).mean()) / 2


def side_of(damage: Tensor, squares: Tensor, wanted: Tensor | None, power: float) -> Side:
    """squares: mean of the weights'; wanted: what steps follow, to the power -1/2 times `power`. (side,) each."""
    logs = torch.zeros(len(damage))
    if wanted is not None:
        logs = -0.5 * power * wanted.double().cpu().log2()
    codes = torch.round(PER_STEP_OCTAVE * (logs - logs.mean())).clamp_(-LARGEST_STEP_CODE, LARGEST_STEP_CODE)
    return Side(damage.double().cpu(), squares.double().cpu().clamp_min(TINY).log2(), codes.to(torch.int16))


def column_costs(ordered: tuple[Tensor, Tensor]) -> Tensor:
    """(columns,) float64 damage of an error in each, by `ordered_factor` of the Hessian."""
    order, factor = (tensor.cpu() for tensor in ordered)
    return factor.diagonal()[torch.argsort(order)].double().clamp_min(TINY).square().reciprocal()


def sensitivity(
    name: str,
    weight: Tensor,
    fisher: Tensor | None,
    hessian: Tensor,
    factors: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]],
    export: ExportConfig,
) -> Sensitivity:
    """Of one matrix (rows, columns).

    fisher: (rows,) of its outputs, None where the loss was not asked; factors: of its Hessian, in the order in which
    columns are rounded and in GPTQ's own.
    """
    asked, squares = export.steps, weight.float().square()
    costs, plain = map(column_costs, factors)
    by_row = torch.ones(len(weight), dtype=torch.float64)
    if fisher is not None and float(fisher.mean()) > 0:
        by_row = fisher.double().cpu() + asked.rows_floor * float(fisher.double().mean())
    seen = costs
    if asked.columns == "hessian":
        seen = hessian.diagonal().double().cpu()
        seen = (seen + export.gptq.damping * seen.mean()).clamp_min(TINY)
    return Sensitivity(
        weights=weight.numel(),
        sides=(
            side_of(by_row, squares.mean(1), by_row if asked.rows != "off" else None, asked.rows_power),
            side_of(costs, squares.mean(0), seen if asked.columns != "off" else None, asked.columns_power),
        ),
        plain=float(plain.mean() / costs.mean()),
        octaves=math.log2(step_size(name, replace(export, step=replace(export.step, size=1.0)))),
        deviation=0.5 * math.log2(max(float(squares.mean()), TINY)),
    )


def octaves_of(found: Sequence[Sensitivity], ways: Ways) -> list[float]:
    """Logarithms of the matrices' steps: their classes', or where damages are equal, and none too coarse."""
    if not ways[2]:
        return [one.octaves for one in found]
    octaves, whole = [-0.5 * one.damage(ways) for one in found], sum(one.weights for one in found)
    for _ in range(8):  # the mean falls with what is cut off
        mean = sum(one.weights * (own - one.deviation) for one, own in zip(found, octaves, strict=True)) / whole
        octaves = [min(own, one.deviation + mean + MOST_COARSER) for one, own in zip(found, octaves, strict=True)]
    return octaves


def savings(found: Sequence[Sensitivity], asked: Ways) -> dict[str, float]:
    """Predicted bits a weight against the steps that the classes have, at equal damage: in all, and of each alone."""
    whole, off = sum(one.weights for one in found), (False, False, False)

    def bits(ways: Ways, octaves: float) -> float:
        own = octaves_of(found, ways)
        return sum(one.weights * one.bits(ways, at + octaves) for one, at in zip(found, own, strict=True)) / whole

    def damage(ways: Ways) -> float:
        """Of the whole, at octaves 0."""
        own = octaves_of(found, ways)
        return sum(one.weights * float(4 ** (one.damage(ways) / 2 + at)) for one, at in zip(found, own, strict=True))

    plain = 0.0
    for _ in range(12):  # an octave is nearly a bit
        plain += bits(off, plain) - TOLD_AT
    saved = {}
    for at, name in enumerate(("total", "rows", "columns", "matrices")):
        rows, columns, matrices = (on and at in (0, way + 1) for way, on in enumerate(asked))
        ways = rows, columns, matrices
        octaves = plain + 0.5 * math.log2(damage(off) / damage(ways))
        saved[name] = TOLD_AT - bits(ways, octaves) if any(ways) else 0.0
    return saved
