"""Everything that a record folder is written from."""

from __future__ import annotations

from typing import Any

from runner.results.attribution import Attribution, Changes
from runner.results.comparisons import Comparison
from runner.results.datasets import DataFacts
from runner.results.duels import Duel
from runner.results.frozen import SCHEMA_VERSION, Frozen
from runner.results.runs import Curve, Launch, LeftOut, RunResult
from runner.results.variants import Repacked, Variant, VariantTable
from runner.results.verdicts import SizeForecast, Verdict, Verification, Yardstick

CONFIRM = ("process_agreement", "bpb_arithmetic")
"""Checks that make a printed score more than a claim: said twice, of the whole text."""


class RecordData(Frozen):
    """Everything a record folder is written from; stored in it as results.json."""

    schema_version: int = SCHEMA_VERSION
    name: str
    run: str
    """The run folder's name, `<name>-<hash8>`: two records with it are of the same job, script and data."""
    track: str
    date: str
    """YYYY-MM-DD, UTC, of the last finished seed."""
    job: dict[str, Any]
    """The resolved job as JSON, every field written out."""
    limits: dict[str, float]
    """cap_bytes, train_seconds, eval_seconds."""
    verdict: Verdict
    results: list[RunResult]
    """The counted attempt of each seed, in the job's order of seeds."""
    verifications: list[Verification]
    data: DataFacts
    forecast: SizeForecast | None
    model_params: int | None
    yardsticks: list[Yardstick]
    ledger: dict[str, int]
    """Counts: launches, completed, failed, ..."""
    versions: dict[str, str]
    """Of the referee's own environment."""
    comparison: Comparison | None = None
    """The seeds against the baseline of the job's claim; decides no verdict."""
    changes: Changes | None = None
    """Against the job that this one sets out from; None for somebody else's script without a base."""
    attributions: list[Attribution] = []
    """Techniques in use and their sources."""
    variants: list[Variant] = []
    """Other judged runs of this job's name that were found where this record was written, newest first."""
    launches: list[Launch] = []
    """Every attempt that was started on a node, whether it counts or not."""
    gpus_per_seed: int | None = None
    """GPUs that one attempt held; 0 on a CPU, None where nobody noted it."""
    dollars_per_hour: float | None = None
    """Price of one node of the hardware profile; None where it is not known."""
    requirements: dict[str, str | None] = {}
    """Package that the script imports -> version on the nodes that ran it, None where nobody noted it."""
    curves: list[Curve] = []
    """Losses over steps, of the seeds whose logs show some."""
    score_alone: list[str] = []
    """What would let a script that cannot score its artifact alone do so, line by line; empty where it can."""
    left_out: LeftOut | None = None
    """What was run and is not in this record, as far as the folder of all runs shows; None where nobody looked."""
    referee_sha256: str = ""
    """Of the referee's own sources; '' where nobody noted it. What another referee works out may differ."""
    variant_table: VariantTable | None = None
    """All variants of the job that this run is one of; None for a job that has none."""
    repacked: Repacked | None = None
    """Where its artifacts come from, if its own training did not pack them."""
    review: list[str] = []
    """What is open about the code of somebody else's script, as `golf review` reads it; decides no verdict."""
    duel: Duel | None = None
    """Of a run that was one side of a duel: both jobs, pair by pair."""
    stopped: str = ""
    """Why the run was stopped, so that nothing more was started or tried again; empty where it was not."""

    @property
    def only_claimed(self) -> bool:
        """Whether nothing but a script's own word stands behind a score: its seed did not complete, or a check that
        would confirm the score is no pass."""
        ended = {result.seed: result.status for result in self.results if result.final_score is not None}
        unsure = {one.seed for one in self.verdict.checks if one.name in CONFIRM and one.status != "pass"}
        return any(status != "completed" or seed in unsure for seed, status in ended.items())
