"""The section `qat`: fake quantisation while training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded


@dataclass(frozen=True)
class QatConfig:
    """Fake quantisation of the matrices: the forward pass sees them on a grid, the gradient passes straight on."""

    active: Literal["off", "training", "until_export", "always"] = "off"
    """When fake quantisation is on. training: in training steps only (PRs #102, #1606); until_export: in mid-run
    validation too (PR #160); always: also when the artifact is scored (PR #372)."""
    start_step: int = 0
    """First step with fake quantisation, 0-based (PR #160: half of the iterations)."""
    mlp_bits: Literal[8, 6, 5] = 6
    """Bits of the MLP's matrices (PR #372: 5)."""
    attn_bits: Literal[8, 6, 5] = 6
    """Bits of all other matrices."""
    grid: Literal["amax", "amax_floor", "unit_floor", "step"] = "amax"
    """A row's step: its largest magnitude over the levels (PR #102); the same with a magnitude of at least 1e-8 (PR
    #372); or never below 1 / levels, so that rows below 1 share one grid (PRs #160, #1606). step: matrices that are
    stored as `step`, on the grid that would be written by now."""
    resolve_every: int = 100
    """Steps after which the grid `step` is solved for again from the live weights."""
    precision: Literal["float32", "compute", "mixed"] = "float32"
    """Precision of fake quantisation. float32: quantised in fp32, cast to the activations' precision at use (PRs
    #160, #372); compute: cast first, then quantised (PR #102); mixed: quantised in fp32, the straight-through sum
    taken after the cast (PR #1606)."""
    min_numel: int = 0
    """Matrices of at most this many elements stay as they are (PR #372: 65536)."""
    late_k: int = 0
    """Last blocks whose key projection stays as it is (PRs #160, #372)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("start_step", "min_numel", "late_k"):
            require(getattr(self, name) >= 0, name, "0 or more")
        require(self.resolve_every >= 1, "resolve_every", "at least 1")
