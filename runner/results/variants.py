"""One job told several ways, and one checkpoint packed several ways."""

from __future__ import annotations

from typing import Literal

from runner.results.attribution import Change
from runner.results.frozen import Frozen, VerdictStatus


class Variant(Frozen):
    """Another judged run of a job of the same name, stored beside this one."""

    run: str
    date: str
    status: VerdictStatus
    reason: str
    """The first of its verdict's reasons; empty where it passed."""
    seeds: int
    """Seeds that were scored."""
    val_bpb: float | None
    """Their mean."""
    fields: list[Change]
    """What it had other than this run (`there` is its value)."""


class VariantRow(Frozen):
    """One line of the table of a job's variants; None where nothing is known."""

    name: str
    run: str = ""
    """Its run folder's name; empty where it did not run."""
    state: Literal["trained", "repacked", "infeasible", "not run"]
    verdict: VerdictStatus | None = None
    reason: str = ""
    """The first of its verdict's reasons, or why it did not run."""
    seeds: list[int] = []
    """Those that were scored."""
    val_bpb: list[float] = []
    """Their published scores, in the same order."""
    mean: float | None = None
    std: float | None = None
    """Sample standard deviation."""
    pairs: int = 0
    """Seeds that the base has a score of, too."""
    delta: float | None = None
    """Mean over pairs of this variant's score minus the base's: below 0 it is better."""
    low: float | None = None
    """Lower end of the difference's 95 % t interval."""
    high: float | None = None
    p: float | None = None
    """Paired, two-sided."""
    p_holm: float | None = None
    """The same where as many variants were tried as the table has (Holm)."""
    bytes_total: int | None = None
    """Script and artifact, of the largest seed; of one that did not run, what was expected."""
    headroom_bytes: int | None = None
    step_ms: float | None = None
    """Milliseconds a step, the mean over seeds."""
    hours: float | None = None
    """Node-hours of all its launches whose end was noted."""
    dollars: float | None = None
    reference_bpb: float | None = None
    """What the published run that it reproduces had."""
    reference_bytes: int | None = None


class VariantTable(Frozen):
    """All variants of a job beside each other."""

    job: str
    """The job's name in its file."""
    base: str
    """Name of the variant that the others are held against."""
    confidence_percent: int = 95
    """Of every interval."""
    cap_bytes: int
    rows: list[VariantRow]
    """The base first."""


class Repacked(Frozen):
    """That an artifact was not packed by its training, but later from the weights that were kept of it."""

    run: str
    """The training's run folder."""
    script_sha256: str
    """Of the script that trained."""
    weights: dict[int, str]
    """Seed -> SHA-256 of its kept weights, which the training's ledger vouches for."""
    artifacts: dict[int, str]
    """Seed -> SHA-256 of the artifact that its training packed itself."""
    seconds: dict[int, float]
    """Seed -> how long packing took, off every clock."""
    changed: list[Change] = []
    """Fields in which the export differs from the training's (`there`)."""
