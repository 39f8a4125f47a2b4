"""Where one seed stands, as its folder and its log tell it: a plain value that screens and programs read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SeedState:
    """One seed as its folder tells it."""

    run: str
    seed: int
    attempt: int | None
    state: str
    step: int | None = None
    loss: float | None = None
    bpb: float | None = None
    clock: float | None = None
    """Training time: of a finished seed the most that it can have been, of one that runs what its log says."""
    note: str = ""
    clock_low: float | None = None
    """The least that it can have been."""
    bpb_told: str = ""
    """Of one that runs: its last validation with the step that it was after."""
    losses: Mapping[int, float] = field(default_factory=dict)
    """Step -> training loss, the log's last ones, thinned."""
    size: int | None = None
    """Script and artifact, as the referee counted them; of one that runs, as its log does."""
    size_forecast: int | None = None
    """The same as a running script's log expects it, and at which part of its training."""
    size_forecast_percent: int | None = None
