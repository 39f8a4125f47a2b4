"""Low-rank repair of quantised matrices: what rounding lost, in two thin factors of few bits (LQER, arXiv
2402.02446).

As PR #1797 packs it. The factors of the matrices that rounding changed most are stored beside their integers: the
first with one scale in two bits, the second with a scale for each group of elements in four. Off unless
`LqerConfig.rank` is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from golf_model.config.rounding import LqerConfig

LEFT_RANGE, RIGHT_RANGE = (-2, 1), (-8, 7)
"""Integers of the two factors; the largest of the first is cut off on one side."""
LEFT_HALF, RIGHT_HALF = 1.5, 7.5
"""A factor's largest magnitude in units of its scale."""
LEAST = 1e-10


@dataclass(frozen=True)
class Repair:
    """What is added to a decoded matrix: left @ right."""

    left: Tensor
    """(rows, rank) int8 in [-2, 1]."""
    left_scale: Tensor
    """() fp16."""
    right: Tensor
    """(rank, columns) int8 in [-8, 7]."""
    right_scales: Tensor
    """(groups,) fp16, each of as many consecutive elements of `right`."""

    def decode(self) -> Tensor:
        """(rows, columns) fp32."""
        left = self.left.float() * self.left_scale.float()
        grouped = self.right.reshape(len(self.right_scales), -1).float() * self.right_scales.float()[:, None]
        return left @ grouped.view(self.right.shape)


def packed_factors(left: Tensor, right: Tensor, group: int) -> Repair:
    """Factors (rows, rank) and (rank, columns) fp32 in few bits; `group` divides the second one's elements."""
    left_scale = (left.abs().amax().clamp_min(LEAST) / LEFT_HALF).to(torch.float16)
    groups = right.reshape(-1, group)
    scales = (groups.abs().amax(1).clamp_min(LEAST) / RIGHT_HALF).to(torch.float16)
    return Repair(
        _whole(left, left_scale, LEFT_RANGE),
        left_scale,
        _whole(groups, scales[:, None], RIGHT_RANGE).view(right.shape),
        scales,
    )


def _whole(values: Tensor, scale: Tensor, bounds: tuple[int, int]) -> Tensor:
    """Integers within bounds; zeros under a scale of 0."""
    steps = scale.float()
    return torch.where(steps > 0, torch.round(values / steps), 0.0).clamp(*bounds).to(torch.int8)


def group_of(rank: int, columns: int, group: int) -> int:
    """Elements that share a scale: `group`, or a row of the second factor where its elements are no multiple of
    it."""
    return group if rank * columns % group == 0 else columns


def repair_of(error: Tensor, lqer: LqerConfig) -> Repair:
    """The best factors of what rounding lost, (rows, columns) fp32, packed."""
    u, s, v = torch.linalg.svd(error, full_matrices=False)
    rank = min(lqer.rank, len(s))
    return packed_factors(u[:, :rank] * s[:rank], v[:rank], group_of(rank, error.size(1), lqer.group))


def most_changed(errors: Mapping[str, Tensor], tensors: int) -> list[str]:
    """Names of the matrices with the largest errors, by Frobenius norm, largest first."""
    return sorted(errors, key=lambda name: -float(errors[name].norm()))[:tensors]
