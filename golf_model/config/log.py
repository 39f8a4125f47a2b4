"""The section `log`: how often a run speaks."""

from __future__ import annotations

from dataclasses import dataclass

from golf_model.config.checks import require, require_bounded


@dataclass(frozen=True)
class LogConfig:
    """How often a run speaks."""

    train_log_every: int = 200
    """Steps between training lines (the first ten steps are always logged); 0 turns them off."""
    val_loss_every: int = 1000
    """Steps between mid-run validations, step 0 included; 0 validates only at the end."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("train_log_every", "val_loss_every"):
            require(getattr(self, name) >= 0, name, "0 (off) or more")
