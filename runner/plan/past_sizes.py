"""Artifact sizes that this very configuration has had before, and what they say about the next run's; likewise what
its shaped steps were predicted to save, which nobody knows before weights are trained.

From the run folders and records beside which the next ones will be written (past_results.py). Sizes differ between
seeds, so the answer is a prediction interval; a single past run gives none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from runner.errors import UserError
from runner.job.spec import JobSpec, resolved
from runner.listing import counted
from runner.plan.past_results import past_seeds
from runner.results.verdicts import SizeForecast
from runner.statistics import prediction_interval
from runner.untrusted import read_text

LEAST_SHARE = 0.0005
"""Half the interval is never narrower than this share of the mean: few sizes may agree by chance."""


def past_artifact_bytes(output: Path, config: dict[str, Any]) -> list[int]:
    """Bytes of the artifact of every finished seed of that configuration (as job.json holds it) under `output`."""
    found: dict[tuple[str, str], int] = {}
    for past in past_seeds(output, lambda job: job.get("config") == config):
        artifact = past.result.get("artifact")
        size = artifact.get("bytes") if isinstance(artifact, dict) else None
        if isinstance(size, int):
            found.setdefault((past.run, past.seed), size)
    return list(found.values())


def prediction(sizes: Sequence[int], code_bytes: int, cap_bytes: int | None = None) -> SizeForecast | None:
    """Total bytes of one more run, 95 % prediction interval (Student's t); None from fewer than two.

    cap_bytes: of a configuration whose step is solved for: nothing that it writes is larger.
    """
    if len(sizes) < 2:
        return None
    mean, (lowest, _) = fmean(sizes), prediction_interval(sizes)
    half = max(mean - lowest, LEAST_SHARE * (mean + code_bytes))
    low, high = mean - half + code_bytes, mean + half + code_bytes
    if cap_bytes is not None:
        low, high = min(low, cap_bytes), min(high, cap_bytes)
    return SizeForecast(
        low=max(0, math.floor(low)),
        high=math.ceil(high),
        expected=min(round(mean) + code_bytes, math.ceil(high)),
        basis=f"95 % prediction interval from {len(sizes)} finished seeds of this configuration",
    )


def forecast_from_past(output: Path, job: JobSpec, code_bytes: int) -> SizeForecast | None:
    """What earlier runs of the job's configuration, under `output`, say of the next one's total bytes."""
    export = job.config.export
    cap = export.step.cap_bytes if export.solves_step else None
    return prediction(past_artifact_bytes(output, resolved(job)["config"]), code_bytes, cap)


SAVED = re.compile(
    r"^shaped_steps predicted_bits_saved total:(-?\d+\.\d+) rows:(-?\d+\.\d+) columns:(-?\d+\.\d+) "
    r"matrices:(-?\d+\.\d+) used:(yes|no)$",
    re.MULTILINE | re.ASCII,
)
"""The line of a log that says so (golf_model/quantization/step_plan.py)."""
MOST_LOG_BYTES = 64 << 20
LATER = "the log says it when the trained weights are packed, and `golf artifact inspect` of the artifact"


def past_savings(output: Path, config: dict[str, Any]) -> list[tuple[list[float], bool]]:
    """(predicted bits a weight: in all, by rows, columns and matrices alone; whether steps were shaped) of every
    finished seed of that configuration under `output` whose log says so."""
    found: dict[tuple[str, str], tuple[list[float], bool]] = {}
    for past in past_seeds(output, lambda job: job.get("config") == config):
        try:
            said = SAVED.search(read_text(past.log, MOST_LOG_BYTES))
        except UserError:
            continue  # a log that is gone, or none: others may say it
        if said is not None:
            found.setdefault((past.run, past.seed), ([float(bits) for bits in said.groups()[:4]], said[5] == "yes"))
    return list(found.values())


def saving_rows(output: Path, job: JobSpec) -> list[tuple[str, str]]:
    """What shaped steps are predicted to save, as (title, text); nothing for a job that has none."""
    if job.script is not None or not job.config.export.steps.are_shaped:
        return []
    past = past_savings(output, resolved(job)["config"])
    if not past:
        return [("shaped steps", f"what they save is unknown before weights are trained: {LATER}")]
    ways = [_span([bits[at] for bits, _ in past]) for at in range(4)]
    used, seeds = sum(shaped for _, shaped in past), counted(len(past), "finished seed")
    return [
        ("shaped steps", f"predicted to save {ways[0]} bits a weight; alone rows {ways[1]}, columns {ways[2]},"),
        ("", f"matrices {ways[3]}; {seeds} of this configuration said so, {used} used them"),
    ]


def _span(values: Sequence[float]) -> str:
    """`0.677`, or `0.65 to 0.68`."""
    low, high = f"{min(values):.3f}", f"{max(values):.3f}"
    return low if low == high else f"{low} to {high}"
