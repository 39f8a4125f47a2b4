"""Artifact sizes that this very configuration has had before, and what they say about the next run's.

From the run folders and records beside which the next ones will be written (past_results.py). Sizes differ between
seeds, so the answer is a prediction interval; a single past run gives none.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.job.spec import JobSpec, resolved
from runner.plan.past_results import past_seeds
from runner.results.verdicts import SizeForecast

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
    from scipy import stats

    if len(sizes) < 2:
        return None
    mean, deviation = statistics.fmean(sizes), statistics.stdev(sizes)
    quantile = float(stats.t.ppf(0.975, len(sizes) - 1))
    half = max(quantile * deviation * math.sqrt(1 + 1 / len(sizes)), LEAST_SHARE * (mean + code_bytes))
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
