"""Where runs stand at a moment, as plain frozen values: what a live page is made of. Read by watched.py."""

from __future__ import annotations

from dataclasses import dataclass

from runner.results.frozen import VerdictStatus
from runner.results.runs import Curve


@dataclass(frozen=True)
class SeedNow:
    """One seed of a run; None where nothing is known."""

    seed: int
    attempt: int | None
    state: str
    step: int | None
    loss: float | None
    """Nats per token: of a seed that runs its training loss by its log, of a finished one its published score."""
    bpb: float | None
    clock_low: float | None
    """Training clock in seconds: the least that it can be. Of a seed that runs, what its log says."""
    clock_high: float | None
    note: str


@dataclass(frozen=True)
class RunNow:
    """One run."""

    name: str
    state: str
    """running, no driver, or its record's verdict."""
    counts: str
    """How many seeds stand where, in words."""
    seeds: tuple[SeedNow, ...]
    """Of a run of very many those that run, and those that ended badly."""
    seeds_left_out: int = 0
    verdict: VerdictStatus | None = None
    record: str = ""
    """Key of its record among those that are listed; '' where there is none."""
    stopped: str = ""
    """Why it was stopped."""
    problem: str = ""
    """Why its ledger cannot be read; then nothing else is known."""
    ahead: str = ""
    """How long it still takes and what it costs, in words; '' where nobody is at work on it, or it is not known."""
    train_limit: float | None = None
    """Seconds of the training clock that it is held to."""
    cap_bytes: int | None = None
    curves: tuple[Curve, ...] = ()
    """Losses so far, of seeds whose logs show some; empty where only the list of runs was asked for."""


@dataclass(frozen=True)
class Listed:
    """A record folder that is listed."""

    key: str
    """Its part of an address."""
    folder: str
    """Below the folder that is served."""
    ours: bool
    """Whether golf wrote it; anybody else's is audited before it is shown."""
