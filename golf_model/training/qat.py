"""Fake quantisation: matrices that train on the grid they will be stored on (QAT, PRs #102, #160, #372, #1606).

The forward pass sees each row rounded to its grid, the gradient passes straight through to the weight. Which
matrices take part is decided once (`arm`), whether they do is switched between phases (`switch`). Off unless
`QatConfig.active` is set. The originals' grids are not always the ones that they export to; see quantize.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from golf_model.config.qat import QatConfig
from golf_model.network.linear import CastedLinear
from golf_model.shapes import is_late_key, tensor_class


@dataclass(frozen=True)
class FakeQuant:
    """The grid of one matrix, and the precision in which it is applied."""

    levels: int
    grid: Literal["amax", "amax_floor", "unit_floor"]
    precision: Literal["float32", "compute", "mixed"]

    def scale(self, weight: Tensor) -> Tensor:
        """(rows, 1) step of each row of `weight` (rows, columns)."""
        largest = weight.abs().amax(dim=1, keepdim=True)
        if self.grid == "unit_floor":
            return (largest / self.levels).clamp_min(1.0 / self.levels)
        if self.grid == "amax_floor":
            return largest.clamp_min(1e-8) / self.levels
        return (largest / self.levels).clamp_min(1e-12)

    def nearest(self, weight: Tensor) -> Tensor:
        """The nearest points of the grid, in the weight's precision and without a gradient."""
        with torch.no_grad():
            scale = self.scale(weight)
            return torch.round(weight / scale).clamp_(-self.levels, self.levels) * scale

    def __call__(self, weight: Tensor, dtype: torch.dtype) -> Tensor:
        """weight (rows, columns) fp32 -> its grid points, fp32 or already in `dtype`; gradient straight through."""
        if self.precision == "compute":
            weight = weight.to(dtype)
        nearest = self.nearest(weight)
        if self.precision == "mixed":
            weight, nearest = weight.to(dtype), nearest.to(dtype)
        return weight + (nearest - weight).detach()


def arm(network: nn.Module, qat: QatConfig, num_layers: int) -> None:
    """Give every matrix that takes part its grid; nothing changes until `switch`."""
    if qat.active == "off" or qat.grid == "step":  # the latter is step_grid.py's
        return
    for name, module in network.named_modules():
        if not isinstance(module, CastedLinear) or module.weight.numel() <= qat.min_numel:
            continue
        if not is_late_key(f"{name}.weight", num_layers, qat.late_k):
            bits = qat.mlp_bits if tensor_class(f"{name}.weight") == "mlp" else qat.attn_bits
            module.fake_quant = FakeQuant(2 ** (bits - 1) - 1, qat.grid, qat.precision)


def switch(network: nn.Module, *, on: bool) -> None:
    """Let the armed matrices act on their grids, or as they are."""
    for module in network.modules():
        if isinstance(module, CastedLinear):
            module.on_grid = on and module.fake_quant is not None


def acts_in_training(qat: QatConfig, step: int) -> bool:
    """Whether step `step` (0-based) is made on the grid."""
    return qat.active != "off" and step >= qat.start_step


def acts_in_validation(qat: QatConfig, step: int) -> bool:
    """Whether the live weights are scored on the grid when `step` steps have been made."""
    return qat.active in ("until_export", "always") and step >= qat.start_step


def acts_on_artifact(qat: QatConfig) -> bool:
    """Whether weights that were loaded from the artifact are put on the grid once more (PR #372)."""
    return qat.active == "always"
