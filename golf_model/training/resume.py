"""Going on from a checkpoint: what is in one, and putting a trainer back where it was. Files are checkpoint.py's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from golf_model.process.runlog import RunLog
from golf_model.training.averaging import WeightAverage
from golf_model.training.checkpoint import Checkpoints
from golf_model.training.trainer import Trainer


@dataclass
class Progress:
    """Where training stands between two steps; a checkpoint is this and the trainer's states."""

    step: int = 0
    steps_on_grid: int = 0
    elapsed_ms: float = 0.0
    """Training clock, mid-run validation excluded, time of earlier lives included."""
    saved_ms: float = 0.0
    """Training clock at the last checkpoint."""
    grid: float = 0.0
    """Step of the uniform grid in use (step_grid.py); 0 before there is one."""


def checkpoint_state(trainer: Trainer, progress: Progress, average: WeightAverage | None) -> dict[str, Any]:
    """All that the next step depends on, in plain values and tensors."""
    return {
        "progress": asdict(progress),
        "weights": trainer.network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in trainer.optimizers],
        "average": None if average is None else average.state(),
        "tokens": trainer.batches.taken,
    }


def restore_checkpoint(state: Mapping[str, Any], trainer: Trainer, average: WeightAverage | None) -> Progress:
    """Put a trainer where `checkpoint_state` found it."""
    trainer.network.load_state_dict(state["weights"])
    for optimizer, saved in zip(trainer.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    if average is not None:
        average.restore(state["average"], trainer.network.state_dict())
    trainer.batches.go_to(int(state["tokens"]))
    return Progress(**state["progress"])


def resumed(
    trainer: Trainer, average: WeightAverage | None, checkpoints: Checkpoints | None, earlier_ms: float, log: RunLog
) -> Progress:
    """The newest checkpoint's progress, or the beginning; its clock also counts what was done after it and lost."""
    state = None if checkpoints is None else checkpoints.load_latest()
    if state is None:
        return Progress(elapsed_ms=earlier_ms, saved_ms=earlier_ms)
    progress = restore_checkpoint(state, trainer, average)
    progress.elapsed_ms = progress.saved_ms = max(progress.elapsed_ms, earlier_ms)
    log.line(f"resumed step:{progress.step} train_time:{progress.elapsed_ms:.0f}ms")
    return progress
