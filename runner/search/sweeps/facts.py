"""What is known of a sweep: frozen values, plain JSON, that status, report and promotion are made from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from runner.results.frozen import Frozen

TrialState = Literal["running", "scored", "infeasible", "pruned", "failed"]
"""scored: has a bpb under the cap; infeasible: over the cap; pruned: ended early; failed: no score, a reason."""


class TrialFacts(Frozen):
    """One trial."""

    number: int
    state: TrialState
    params: dict[str, Any]
    """Path -> value, as Optuna stores it."""
    bpb: float | None = None
    """Mean over its seeds, bits per byte, also of one over the cap; of a pruned one its last validation."""
    scores: dict[str, float] = Field(default_factory=dict)
    """Seed -> bits per byte."""
    total_bytes: int | None = None
    """Script and artifact together, of the largest seed; of one that never ran, the least that they can be."""
    cap_bytes: int | None = None
    seconds: float = 0.0
    """Its attempts on their nodes, one after the other, cut-off ones included."""
    gpu_seconds: float = 0.0
    dollars: float | None = None
    """By the profile's price; None where it has none."""
    reason: str = ""
    """Why it has no score that counts."""
    run: str = ""
    """Its run folder."""
    validations: dict[int, float] = Field(default_factory=dict)
    """Step -> bits per byte of a validation in mid-run, of its first seed."""


class Budget(Frozen):
    """Limits of a sweep, or what was spent of them; None: no limit, or not known."""

    trials: int | None = None
    hours: float | None = None
    gpu_hours: float | None = None
    dollars: float | None = None


class Promoted(Frozen):
    """A trial that was run anew on fresh seeds."""

    trial: int
    sweep_bpb: float
    """Its score in the sweep."""
    job: str
    """The job's file, below the sweep's folder."""
    seeds: list[int]
    scores: dict[str, float] = Field(default_factory=dict)
    """Seed -> bits per byte."""
    verdict: str = ""
    record: str = ""
    """Folder of its record."""

    @property
    def mean(self) -> float | None:
        """Mean over its fresh seeds; None before all of them have a score."""
        return sum(self.scores.values()) / len(self.scores) if len(self.scores) == len(self.seeds) else None


class SweepFacts(Frozen):
    """A sweep as it stands."""

    name: str
    folder: str
    sampler: str
    pruner: str
    seeds: list[int]
    space: list[dict[str, Any]]
    trials: list[TrialFacts]
    budget: Budget
    spent: Budget
    lives: bool | None
    """Whether a driver is at work; None where that cannot be told from here."""
    parallel: int = 1
    """Trials at once, as the last driver had them."""
    promoted: list[Promoted] = Field(default_factory=list)
    ended: str = ""
    """Why its last driver started no more trials; empty while it would."""

    @property
    def ranked(self) -> list[TrialFacts]:
        """Trials that have a score under the cap, the best first."""
        scored = [trial for trial in self.trials if trial.state == "scored" and trial.bpb is not None]
        return sorted(scored, key=lambda trial: (trial.bpb or 0.0, trial.number))

    @property
    def best(self) -> TrialFacts | None:
        """The best trial under the cap; None before there is one."""
        return next(iter(self.ranked), None)

    @property
    def curse(self) -> float | None:
        """Winner's curse: mean of the best trial's fresh seeds minus its score in the sweep, bits per byte; None
        where the best was not promoted, or has not ended."""
        best = self.best
        if best is None:
            return None
        means = [one.mean for one in self.promoted if one.trial == best.number and one.mean is not None]
        return means[-1] - best.bpb if means and best.bpb is not None else None
