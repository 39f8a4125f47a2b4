"""Muon: momentum, then an orthogonalised update, for matrices (Keller Jordan; official baseline).

Matrices are dealt to processes round robin; each orthogonalises its own, and one all-reduce brings the
updates together. Matrices of one shape are iterated as one batch. No weight decay.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration."""


def orthogonalise(matrices: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    """Push the singular values of (..., rows, cols) towards 1 by Newton-Schulz, computed and returned in `dtype`."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.to(dtype)
    x = x / (x.flatten(-2).norm(dim=-1)[..., None, None] + 1e-7)
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result


class Muon(torch.optim.Optimizer):
    """One group of matrices (fp32); group keys lr, base_lr, momentum, backend_steps, nesterov."""

    def __init__(
        self,
        matrices: Iterable[Tensor],
        *,
        lr: float,
        momentum: float,
        backend_steps: int,
        dtype: torch.dtype,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.update_dtype = dtype
        self.rank = rank
        self.world_size = world_size
        group = {"lr": lr, "momentum": momentum, "backend_steps": backend_steps, "nesterov": True, "base_lr": lr}
        super().__init__(list(matrices), group)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix from its gradient."""
        for group in self.param_groups:
            matrices: list[Tensor] = group["params"]
            updates = torch.zeros(
                sum(matrix.numel() for matrix in matrices), device=matrices[0].device, dtype=self.update_dtype
            )
            pieces = torch.split(updates, [matrix.numel() for matrix in matrices])
            slots = [piece.view_as(matrix) for matrix, piece in zip(matrices, pieces, strict=True)]
            mine = range(self.rank, len(matrices), self.world_size)
            by_shape: dict[torch.Size, list[int]] = {}
            for index in mine:
                by_shape.setdefault(matrices[index].shape, []).append(index)
            for shape, indices in by_shape.items():
                stacked = torch.stack([self._nesterov(matrices[index], group["momentum"]) for index in indices])
                result = orthogonalise(stacked, group["backend_steps"], self.update_dtype)
                result = result * max(1, shape[0] / shape[1]) ** 0.5
                for index, update in zip(indices, result, strict=True):
                    slots[index].copy_(update)
            if self.world_size > 1:
                dist.all_reduce(updates)
            for matrix, slot in zip(matrices, slots, strict=True):
                matrix.add_(slot.to(matrix.dtype), alpha=-group["lr"])

    def _nesterov(self, matrix: Tensor, momentum: float) -> Tensor:
        """Advance the matrix's fp32 momentum buffer and return the Nesterov look-ahead gradient."""
        gradient = matrix.grad
        if gradient is None:
            return torch.zeros_like(matrix)
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer: Tensor = state["momentum_buffer"]
        buffer.mul_(momentum).add_(gradient)
        return gradient.add(buffer, alpha=momentum)
