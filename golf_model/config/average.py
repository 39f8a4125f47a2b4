"""The section `average`: which average of the weights is packed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded


@dataclass(frozen=True)
class AverageConfig:
    """Which average of the weights becomes the artifact; by default none, the last weights do."""

    kind: Literal["off", "ema", "swa"] = "off"
    """Average of the weights that is packed. ema: exponential, in fp32, of every step, initial weights included (PRs
    #372, #1606); swa: plain mean of samples late in the warmdown (PR #465)."""
    ema_decay: float = 0.997
    """Share of the average that stays at each step."""
    swa_start_multiplier: float = 0.5
    """SWA samples only steps made at a learning-rate multiplier below this (PR #465)."""
    swa_every: int = 50
    """Steps between SWA samples (PR #465)."""
    swa_sum: Literal["float32", "native"] = "float32"
    """Precision of SWA's sums; native sums bfloat16 weights in bfloat16, the defect of PR #465."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(0 <= self.ema_decay < 1, "ema_decay", "at least 0 and less than 1")
        require(self.swa_start_multiplier > 0, "swa_start_multiplier", "positive")
        require(self.swa_every >= 1, "swa_every", "at least 1")
