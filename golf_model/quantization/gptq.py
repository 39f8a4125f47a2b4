"""GPTQ (Frantar et al., arXiv 2210.17323): columns of a matrix are rounded in turn, and those still to come make up
for the errors of those before, so that the products with what the layer really sees change least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.distributed as dist
from torch import Tensor

from golf_model.config.export import ExportConfig
from golf_model.config.rounding import GptqConfig
from golf_model.process.distributed import World

GPTQ_BLOCK = 128
"""Columns after which the rest of the matrix is brought up to date."""
MOST_TOGETHER = 1 << 25
"""Elements of matrices that are rounded together, of which copies are held."""


def inverse_factor(hessian: Tensor, damping: float) -> Tensor:
    """Upper Cholesky factor (n, n) fp32 of the damped Hessian's inverse; columns never seen count as independent."""
    home = hessian.cpu() if hessian.device.type == "mps" else hessian  # which has no float64
    damped = home.double().clone()
    diagonal = damped.diagonal()
    diagonal[diagonal == 0] = 1.0
    diagonal += damping * diagonal.mean()
    lower = torch.linalg.cholesky(damped)
    factor: Tensor = torch.linalg.cholesky(torch.cholesky_inverse(lower), upper=True)
    return factor.float().to(hessian.device)


def ordered_factor(hessian: Tensor, gptq: GptqConfig) -> tuple[Tensor, Tensor]:
    """(order of the columns (n,), inverse_factor of the Hessian in that order)."""
    order = torch.arange(hessian.size(0), device=hessian.device)
    if gptq.order:
        order = torch.argsort(hessian.diagonal(), descending=True, stable=True)
    return order, inverse_factor(hessian[order][:, order], gptq.damping)


class Factors(Mapping[str, Tensor]):
    """Hessians by the matrix's name, and of each its Cholesky factor, made once however often a model is packed;
    matrices that share a Hessian share it."""

    def __init__(self, hessians: Mapping[str, Tensor], gptq: GptqConfig) -> None:
        self.hessians, self.gptq = hessians, gptq
        self.made: dict[int, tuple[Tensor, Tensor]] = {}

    def __getitem__(self, name: str) -> Tensor:
        return self.hessians[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.hessians)

    def __len__(self) -> int:
        return len(self.hessians)

    def of(self, name: str) -> tuple[Tensor, Tensor]:
        """(order of the columns, factor in that order)."""
        hessian = self.hessians[name]
        if id(hessian) not in self.made:
            self.made[id(hessian)] = ordered_factor(hessian, self.gptq)
        return self.made[id(hessian)]

    def share(self, world: World) -> None:
        """Make all of them, each process its share, the largest dealt first; every process then has the same bits.

        The Hessians must be the same in all processes.
        """
        alike = {id(hessian): name for name, hessian in self.hessians.items()}
        dealt = sorted(alike.values(), key=lambda name: -len(self.hessians[name]))
        for name in dealt[world.rank :: world.size]:
            self.of(name)
        for index, name in enumerate(dealt if world.size > 1 else ()):
            hessian, owner = self.hessians[name], index % world.size
            if owner == world.rank:
                order, lying = self.of(name)[0], self.of(name)[1].mT.contiguous()
            else:
                order = torch.empty(len(hessian), dtype=torch.int64, device=hessian.device)
                lying = torch.empty_like(hessian, memory_format=torch.contiguous_format)
            for part in (order, lying):
                dist.broadcast(part, owner)
            self.made[id(hessian)] = (
                order,
                lying.mT,
            )  # column by column, as LAPACK leaves it: products keep their bits


def known_factors(hessians: Mapping[str, Tensor], gptq: GptqConfig) -> Factors:
    """The factors by a rule; those that were made by the same rule stay."""
    if isinstance(hessians, Factors):
        return hessians if hessians.gptq == gptq else Factors(hessians.hessians, gptq)
    return Factors(hessians, gptq)


def packing_rule(export: ExportConfig) -> GptqConfig:
    """How GPTQ goes over what is stored as `step`: a trellis takes columns as they stand."""
    return replace(export.gptq, order=export.gptq.order and export.rounding != "trellis")


@dataclass(frozen=True)
class Turn:
    """A matrix whose columns are to be rounded in turn, and by what."""

    matrix: Tensor
    """(rows, columns) fp32."""
    scales: Tensor
    """(rows,) or (); a row of scale 0 becomes zeros."""
    levels: int
    """The largest magnitude."""
    hessian: Tensor
    """(columns, columns), the sum of x xT over the inputs x of the layer."""


def rounded_by_shape(turns: Mapping[str, Turn], factors: Factors) -> dict[str, Tensor]:
    """By name, (rows, columns) fp32 whole numbers; matrices of one shape go together.

    Columns that were never seen become zeros, where the rule says so.
    """
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, turn in turns.items():
        alike.setdefault((turn.matrix.shape, turn.matrix.device, turn.levels), []).append(name)
    found: dict[str, Tensor] = {}
    for names in alike.values():
        given = [(_alive(turns[name], factors.gptq), turns[name].scales, *factors.of(name)) for name in names]
        found |= zip(names, in_order_together(given, turns[names[0]].levels), strict=True)
    return found


def _alive(turn: Turn, gptq: GptqConfig) -> Tensor:
    return torch.where(turn.hessian.diagonal() == 0, 0.0, turn.matrix) if gptq.zero_dead else turn.matrix


def in_order_together(some: Sequence[tuple[Tensor, Tensor, Tensor, Tensor]], levels: int) -> list[Tensor]:
    """Matrices of one shape, each (matrix, scales, order, factor) with what `ordered_factor` made of its Hessian,
    rounded column by column, through as many at once as MOST_TOGETHER elements hold: one call where each alone takes
    its own. To the bit what each is alone."""
    share = max(1, MOST_TOGETHER // some[0][0].numel())
    if len(some) > share:
        return in_order_together(some[:share], levels) + in_order_together(some[share:], levels)
    rest = torch.stack([matrix[:, order] for matrix, _, order, _ in some])
    rows, columns = rest.shape[1:]
    steps = torch.stack([scales.float().expand(rows) for _, scales, _, _ in some])
    inverse = torch.where(steps > 0, 1.0 / steps, 0.0)
    diagonal = torch.stack([factor.diagonal() for *_, factor in some])
    result = torch.empty_like(rest)
    for begin in range(0, columns, GPTQ_BLOCK):
        block = rest[:, :, begin : begin + GPTQ_BLOCK]
        end = begin + block.size(2)
        upper = torch.stack([factor[begin:end, begin:end] for *_, factor in some])
        errors = torch.empty_like(block)
        for column in range(block.size(2)):
            values = block[:, :, column]
            integers = torch.round(values * inverse).clamp_(-levels, levels)
            result[:, :, begin + column] = integers
            errors[:, :, column] = error = (values - integers * steps) / diagonal[:, begin + column, None]
            block[:, :, column:] -= error[:, :, None] * upper[:, None, column, column:]
        for later, error, (*_, factor) in zip(rest, errors, some, strict=True):
            later[:, end:] -= error @ factor[begin:end, end:]  # a batched product would round otherwise
    return [one[:, torch.argsort(order)] for one, (_, _, order, _) in zip(result, some, strict=True)]
