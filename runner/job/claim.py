"""What a job claims to beat, and by how much: for the plan before it runs and the comparison after it.

A baseline that is named by its record folder is read when a job's file is, and from then on plain data. A claim
decides neither a run's hash nor its verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from golf_model.config.checks import require
from runner.compare.compare import POLICIES
from runner.errors import UserError
from runner.results.comparisons import Arm
from runner.results.frozen import PolicyName
from runner.strict import Strict

ReadArm = Callable[[Path], Arm]
"""Reads a record folder as one side of a comparison; `runner.record`, which stands above, hands it down."""
Score = Annotated[float, Field(gt=1e-6, lt=1e6)]
"""As a list of scores may hold (runner.record.comparison_sources)."""


class BaselineSpec(Arm):
    """What is to be beaten: a record folder, or scores of its seeds; the other fields are what is known of them."""

    record: Path | None = None
    """Record folder, ours or anyone's; relative to the job file's folder."""
    name: str = "baseline"
    """What it is called, e.g. `PR #1493`."""
    val_bpb: tuple[Score, ...] = ()
    """Score of each seed, bits per byte."""
    nats_per_bpb: Score | None = None
    """val_loss / val_bpb of its tokenizer."""

    @model_validator(mode="after")
    def _one_source(self) -> BaselineSpec:
        require(self.record is None or not self.val_bpb, "record", "give either record or val_bpb, not both")
        require(
            self.record is not None or bool(self.val_bpb), "val_bpb", "give the score of each seed, or record: FOLDER"
        )
        return self

    def as_arm(self) -> Arm:
        """The same as one side of a comparison."""
        return Arm(**self.model_dump(exclude={"record"}))


class SequentialSpec(Strict):
    """Seeds are added until the claim holds, is out of reach, or all have run; the error stays the policy's."""

    least: Annotated[int, Field(ge=2, le=100)] = 3
    """Seeds before the first look."""
    most: Annotated[int, Field(ge=3, le=100)] = 9
    """Seeds at the last one."""
    step: Annotated[int, Field(ge=1, le=100)] = 1
    """Seeds between looks; as many run side by side."""
    alpha: Annotated[float, Field(ge=1e-4, le=0.25)] | None = None
    """One-sided error over all looks together; the policy's where it is left out, and never more."""
    power: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Probability to show the claimed gain that the plan holds this design against."""
    spending: Literal["obrien_fleming", "pocock"] = "obrien_fleming"
    """How the error is shared out: late looks get most of it, or all get about the same."""

    @model_validator(mode="after")
    def _grows(self) -> SequentialSpec:
        require(self.most > self.least, "most", f"must be more than least ({self.least}): else there is one look")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """Seeds at each look."""
        return (*range(self.least, self.most, self.step), self.most)


class ClaimSpec(Strict):
    """The claim of a job."""

    baseline: BaselineSpec
    """What is to be beaten; a path alone is its record, a list alone its val_bpb."""
    gain: Annotated[float, Field(gt=0, lt=1e6)]
    """True gain that is expected, nats/token: what the plan counts seeds for."""
    policy: PolicyName = "readme"
    """What must be shown: readme, progression or target (runner.compare.compare)."""
    sequential: SequentialSpec | None = None
    """Look at the seeds as they come in; None: one test of all seeds."""

    @model_validator(mode="after")
    def _can_be_shown(self) -> ClaimSpec:
        margin = POLICIES[self.policy].margin_nats
        message = (
            f"policy {self.policy} asks for more than {margin:g} nats/token, which no smaller true gain can show"
        )
        require(self.gain > margin, "gain", message)
        asked = self.sequential
        if asked is not None and asked.alpha is not None:
            most = POLICIES[self.policy].alpha
            require(asked.alpha <= most, "sequential", f"alpha: policy {self.policy} allows at most {most:g}")
        return self


def resolved_claim(claim: ClaimSpec, folder: Path, read: ReadArm) -> ClaimSpec:
    """The claim with its baseline's record read into it. UserError where that cannot be read."""
    if claim.baseline.record is None:
        return claim
    arm = read(folder / claim.baseline.record)
    try:
        return claim.model_copy(update={"baseline": BaselineSpec(**arm.model_dump())})
    except ValidationError:
        raise UserError(f"{claim.baseline.record}: holds no scores that a job could be held against") from None
