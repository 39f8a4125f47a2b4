"""The section `schedule`: when training stops, and how the learning rate falls until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded


@dataclass(frozen=True)
class ScheduleConfig:
    """When training stops and how the learning rate falls."""

    kind: Literal["wallclock", "steps"] = "wallclock"
    """What stop and warmdown follow. wallclock: elapsed time (the contest); steps: the step count."""
    max_wallclock_seconds: float = 600.0
    """Training time limit in seconds, mid-run validation excluded; ignored by `steps`."""
    iterations: int = 20000
    """Most optimizer steps."""
    warmdown_iters: int = 1200
    """Steps over which the rate falls linearly to the floor at the end."""
    warmdown_lr_floor: float = 0.0
    """Share of the base rates at which the warmdown ends (PR #372: 0.1)."""
    warmdown_frac: float = 0.0
    """Share of the whole training that the warmdown takes, to `min_lr`, in place of `warmdown_iters`; 0 turns it off
    (PR #1218)."""
    min_lr: float = 0.0
    """Least share of the base rates under `warmdown_frac`: the line is cut off there (PR #1787)."""
    warmup_steps: int = 20
    """Steps run before the clock to compile and warm caches; weights, optimizers and loader are then reset."""
    checkpoint_every_s: float = 0.0
    """Seconds of training between checkpoints, from which a killed run goes on; 0 makes none."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.max_wallclock_seconds > 0, "max_wallclock_seconds", "positive")
        require(self.iterations >= 1, "iterations", "at least 1")
        require(self.warmdown_iters >= 0, "warmdown_iters", "0 or more")
        require(0 <= self.warmdown_lr_floor <= 1, "warmdown_lr_floor", "between 0 and 1")
        require(0 <= self.warmdown_frac <= 1, "warmdown_frac", "between 0 (off) and 1")
        require(0 <= self.min_lr <= 1, "min_lr", "between 0 and 1")
        require(self.warmdown_frac > 0 or not self.min_lr, "min_lr", "0 without warmdown_frac")
        require(self.warmup_steps >= 0, "warmup_steps", "0 or more")
        require(self.checkpoint_every_s >= 0, "checkpoint_every_s", "0 (off) or more")
