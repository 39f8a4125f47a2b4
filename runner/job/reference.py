"""The published run that a job reproduces: its figures as its authors gave them, for the record to set ours beside.

Every figure stands under `logged` (a log that was shipped shows it) or under `claimed` (a README or submission.json
says so and no log shows it), so that none can be taken for more than it is. One figure may stand under both, where
they contradict each other. Nothing here is measured, and nothing here has a say in a verdict.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from golf_model.config.checks import require
from runner.strict import Seed, Strict

BEYOND = 10**15
"""No figure of a run is that large; below it every whole number is exact as a float, in 15 digits."""

Count = Annotated[int, Field(gt=0, lt=BEYOND)]
Number = Annotated[float, Field(gt=0, lt=BEYOND)]


class Figures(Strict):
    """What was published of one seed; everything else was not published."""

    bpb: Number | None = None
    """The score that was submitted, bits per byte."""
    pre_quant_bpb: Number | None = None
    """Last validation before compression, bits per byte."""
    plain_bpb: Number | None = None
    """Score of the compressed weights without a sliding window, bits per byte."""
    bytes_total: Count | None = None
    """Script and artifact together, bytes."""
    artifact_bytes: Count | None = None
    """Artifact alone, bytes."""
    steps: Count | None = None
    """Training steps."""
    step_avg_ms: Number | None = None
    """Milliseconds per step."""
    train_seconds: Number | None = None
    """Training time, seconds."""
    eval_seconds: Number | None = None
    """Evaluation time, seconds."""
    peak_memory_mib: Count | None = None
    """Peak memory of a GPU, MiB."""


class OverallFigures(Figures):
    """What was published of all seeds together: means, and of bytes the figure that was submitted."""

    parameters: Count | None = None
    """Parameters of the model."""


class ReferenceSeed(Strict):
    """One seed of the published run."""

    seed: Seed
    """As the log says it where log and README differ."""
    logged: Figures = Figures()
    """What its shipped log shows."""
    claimed: Figures = Figures()
    """What is only said of it."""


class ReferenceSpec(Strict):
    """The published run, beside which the record shows ours."""

    source: str
    """Where it was published, e.g. `PR #372`."""
    hardware: str
    """What it ran on, count first, e.g. `8xH100 80GB SXM`."""
    data: str
    """Name of the folder of its shards, e.g. `fineweb10B_sp1024`."""
    train_limit_seconds: Number | None = None
    """Training clock it was held to, seconds."""
    eval_limit_seconds: Number | None = None
    """Evaluation clock it was held to, seconds."""
    note: str = ""
    """What a reader must know of these figures, e.g. that their artifact is over the cap."""
    logged: OverallFigures = OverallFigures()
    """What shipped logs show of all seeds together."""
    claimed: OverallFigures = OverallFigures()
    """What is only said of them."""
    seeds: tuple[ReferenceSeed, ...] = ()
    """Its seeds, as far as they are known."""

    @model_validator(mode="after")
    def _consistent(self) -> ReferenceSpec:
        require(bool(self.source.strip()), "source", "say where it was published, e.g. PR #372")
        counted = re.match(r"[1-9][0-9]*x\s?\S", self.hardware) is not None
        require(counted, "hardware", "begin with how many, e.g. 8xH100 80GB SXM")
        require(bool(self.data.strip()), "data", "name its data set, e.g. fineweb10B_sp1024")
        known: set[int] = set()
        for index, entry in enumerate(self.seeds):
            message = f"seed {entry.seed} stands twice; give all its figures in one place"
            require(entry.seed not in known, f"seeds.{index}.seed", message)
            known.add(entry.seed)
        return self
