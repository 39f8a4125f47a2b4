"""The values of an audit: what was read of a record folder. Frozen, plain JSON, None where the files don't say.

`Run` (what one run's log shows) and `Claims` (what submission.json and README say) -> `Finding` -> `Audit`. No
behaviour. Everything here is what somebody's files say; nothing was measured by us.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from runner.job.tracks import TRACKS

Role = Literal[
    "primary",
    "rerun",
    "duplicate",
    "superseded",
    "excluded",
    "ablation",
    "stray",
    "incomplete",
    "other_experiment",
    "copied",
]
Severity = Literal["error", "warn", "info"]
LIMIT_S = TRACKS["10min_16mb"].train_seconds or 600.0
"""Seconds of either clock of the ten-minute track."""


def _whole(value: Any) -> Any:
    """`value` with question marks for halves of characters."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return tuple(map(_whole, value)) if isinstance(value, tuple) else value


class Fact(BaseModel):
    """Base of every value: immutable, and a number that is none (NaN, infinity) is written as null."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    @model_validator(mode="before")
    @classmethod
    def _printable(cls, values: Any) -> Any:
        """File names and JSON may hold halves of characters, which no file and no terminal takes."""
        return {key: _whole(value) for key, value in values.items()} if isinstance(values, dict) else values


class ScoreLine(Fact):
    """One line of a log that states a score of the finished model."""

    label: str
    """What stands before the numbers, e.g. `final_int8_zlib_roundtrip_exact`."""
    lineno: int
    text: str
    val_loss: float | None
    """Nats per token."""
    val_bpb: float
    """Bits per byte."""
    digits: int
    """Decimals of val_bpb as printed."""
    eval_seconds: float | None
    before_export: bool
    """Whether the label says that the weights were not compressed yet."""


class Run(Fact):
    """What a log shows of one run."""

    log: str
    """Path inside the folder."""
    run_index: int
    """Which of the runs in that log, from 0."""
    role: Role
    why: str | None
    """Why the run has a role other than primary."""
    seed: int | None
    steps: int | None
    train_seconds: float | None
    final_metric_line: str | None
    final_metric_lineno: int | None
    final_val_loss: float | None
    final_val_bpb: float | None
    final_metric_aliases: tuple[str, ...]
    """Labels of other lines with the same score."""
    total_bytes: int | None
    code_bytes: int | None
    model_bytes: int | None
    derived: tuple[str, ...]
    """Sizes that no line prints but that follow from the two others."""
    eval_seconds: float | None
    """Time printed for the final score, or for its plain twin."""
    total_eval_seconds: float | None
    """Time of the whole evaluation, where one is printed."""
    n_params: int | None
    world_size: int | None
    step_avg_ms: float | None
    final_metric_why: str | None = None
    """Why another line than the last is taken for the score."""
    scored_in: str | None = None
    """Another log that scores what this one trained; its score is the run's."""
    scores_run_of: str | None = None
    """The log of the training that this log scores: the two are one run."""


class Claims(Fact):
    """What submission.json says in its first place for each."""

    val_bpb: float | None
    bytes_total: int | None
    n_seeds: int | None


class Finding(Fact):
    """One thing a reviewer should know."""

    kind: str
    severity: Severity
    detail: str
    evidence: tuple[str, ...]
    """Where it stands: `file:line`, or a file's name."""


class Audit(Fact):
    """One record folder, read."""

    folder: str
    track: str | None
    claimed: Claims
    runs: tuple[Run, ...]
    mean_val_bpb: float | None
    """Mean over the primary runs."""
    std_val_bpb: float | None
    """Sample standard deviation over the primary runs; None below two."""
    n_primary_runs: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    """What a reviewer should know though nothing claimed is wrong."""
