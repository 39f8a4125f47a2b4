"""Muon: momentum, then an orthogonalised update, for matrices (Keller Jordan; official baseline).

Matrices are dealt to processes round robin; each orthogonalises its own, and one all-reduce brings the updates
together, under way while other optimizers step. Matrices of one shape are iterated as one batch. Weight decay is
decoupled and optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

from golf_model.process.devices import has_fast_bfloat16

Coefficients = Sequence[tuple[float, float, float]]
"""(a, b, c) of each quintic iteration, or of all of them."""

NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),)
"""The same for all iterations (official baseline)."""
POLAR_EXPRESS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
"""Best for each iteration (Polar Express, arXiv 2505.16932; PRs #1344, #1787): at most five, however many are
asked."""
COEFFICIENTS: Mapping[str, Coefficients] = {"classic": NEWTON_SCHULZ, "polar_express": POLAR_EXPRESS}


def iterations(coefficients: Coefficients, steps: int) -> Coefficients:
    """What each of `steps` iterations takes."""
    return coefficients[:steps] if len(coefficients) > 1 else [coefficients[0]] * steps


def orthogonalise(
    matrices: Tensor, steps: int, dtype: torch.dtype, coefficients: Coefficients = NEWTON_SCHULZ
) -> Tensor:
    """Push the singular values of (..., rows, cols) towards 1 by Newton-Schulz, computed and returned in `dtype`.

    A device without instructions for bfloat16 takes tens of times as long for its products. There float32 matrices
    hold the bfloat16 numbers, and each product is rounded to bfloat16, once, as the device's own would be.
    """
    x = matrices.to(dtype).reshape(-1, *matrices.shape[-2:])
    x = x / (x.flatten(-2).norm(dim=-1)[:, None, None] + 1e-7)
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    slow = dtype == torch.bfloat16 and not has_fast_bfloat16(x.device)
    x = x.float() if slow else x
    for a, b, c in iterations(coefficients, steps):
        gram = _rounded(x @ x.mT, dtype)
        polynomial = _rounded(torch.baddbmm(gram, gram, gram, beta=b, alpha=c), dtype)
        x = _rounded(torch.baddbmm(x, polynomial, x, beta=a), dtype)
    return (x.mT if tall else x).reshape(matrices.shape).to(dtype)


def _rounded(product: Tensor, dtype: torch.dtype) -> Tensor:
    """A product with the numbers that `dtype` can hold, in the precision that it has."""
    return product if product.dtype == dtype else product.to(dtype).to(product.dtype)


def rows_normalised(updates: Tensor) -> Tensor:
    """Every row of (..., rows, cols) at length 1; zeros stay zeros (MuonEq-R: arXiv 2603.28254, PR #1217)."""
    lengths: Tensor = updates.norm(dim=-1, keepdim=True)
    return updates / lengths.clamp_min(1e-7)


class Muon(torch.optim.Optimizer):
    """One group of matrices (fp32); group keys lr, base_lr, momentum, backend_steps, nesterov, weight_decay,
    row_normalise."""

    def __init__(
        self,
        matrices: Iterable[Tensor],
        *,
        lr: float,
        momentum: float,
        backend_steps: int,
        dtype: torch.dtype,
        weight_decay: float = 0.0,
        decay_order: Literal["before", "after"] = "before",
        row_normalise: bool = False,
        coefficients: Coefficients = NEWTON_SCHULZ,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.update_dtype = dtype
        self.decay_order = decay_order
        self.coefficients = coefficients
        self.rank = rank
        self.world_size = world_size
        group = {
            "lr": lr,
            "momentum": momentum,
            "backend_steps": backend_steps,
            "nesterov": True,
            "weight_decay": weight_decay,
            "row_normalise": row_normalise,
            "base_lr": lr,
        }
        super().__init__(list(matrices), group)
        self._begun: list[tuple[list[Tensor], Any]] = []

    def begin(self) -> None:
        """Find this process's share of the updates and send it on its way; `step` waits for it."""
        for group in self.param_groups:
            updates, work = self.share_of_updates(group), None
            if self.world_size > 1:
                flat = torch.cat([update.flatten() for update in updates])
                work = dist.all_reduce(flat, async_op=True)
                updates = list(torch.split(flat, [update.numel() for update in updates]))
            self._begun.append((updates, work))

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix from its gradient."""
        if not self._begun:
            self.begin()
        begun, self._begun = self._begun, []
        for group, (updates, work) in zip(self.param_groups, begun, strict=True):
            if work is not None:
                work.wait()
            for matrix, update in zip(group["params"], updates, strict=True):
                self._decay(matrix, group, "before")
                matrix.add_(update.reshape(matrix.shape), alpha=-group["lr"])
                self._decay(matrix, group, "after")

    def _decay(self, matrix: Tensor, group: dict[str, Any], moment: str) -> None:
        """Shrink the matrix if this is the configured moment: `before` (PR #465) or `after` (PR #372) the update."""
        if group["weight_decay"] and moment == self.decay_order:
            matrix.mul_(1.0 - group["lr"] * group["weight_decay"])

    @torch.no_grad()
    def share_of_updates(self, group: dict[str, Any]) -> list[Tensor]:
        """One update per matrix in `update_dtype`: this process's share computed, zeros for the others'."""
        matrices: list[Tensor] = group["params"]
        updates: dict[int, Tensor] = {}
        by_shape: dict[torch.Size, list[int]] = {}
        for index in range(self.rank, len(matrices), self.world_size):
            by_shape.setdefault(matrices[index].shape, []).append(index)
        for shape, indices in by_shape.items():
            stacked = torch.stack([self._nesterov(matrices[index], group["momentum"]) for index in indices])
            if group["row_normalise"]:
                stacked = rows_normalised(stacked)
            result = orthogonalise(stacked, group["backend_steps"], self.update_dtype, self.coefficients)
            updates |= zip(indices, result * max(1, shape[0] / shape[1]) ** 0.5, strict=True)
        return [
            updates[index] if index in updates else torch.zeros_like(matrix, dtype=self.update_dtype)
            for index, matrix in enumerate(matrices)
        ]

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
