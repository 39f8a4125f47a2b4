"""Artifact sizes that this very configuration has had before, and what they say about the next run's.

Looks through the run folders and records beside which the next ones will be written. Sizes differ between seeds, so
the answer is a prediction interval; a single past run gives none.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.job_spec import JobSpec, resolved
from runner.paths import RunFolder
from runner.results import SizeForecast

SHELVES = ("records", "rejected", "unverified")
LEAST_SHARE = 0.0005
"""Half the interval is never narrower than this share of the mean: few sizes may agree by chance."""


def past_artifact_bytes(output: Path, config: dict[str, Any]) -> list[int]:
    """Bytes of the artifact of every finished seed of that configuration (as job.json holds it) under `output`."""
    found: dict[tuple[str, str], int] = {}
    for run, seed, size in (*_of_runs(output, config), *_of_records(output, config)):
        found.setdefault((run, seed), size)
    return list(found.values())


def _of_runs(output: Path, config: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    for path in sorted((output / "runs").glob("*/job.json")):
        folder = RunFolder(path.parent)
        if _config_of(path) != config:
            continue
        for seed in sorted((folder.path / "seeds").glob("*")):
            for result in sorted(seed.glob("attempt-*/result.json")):
                size = _artifact_bytes(_loaded(result))
                if size is not None:
                    yield folder.path.name, seed.name, size


def _of_records(output: Path, config: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    for shelf in SHELVES:
        for path in sorted((output / shelf).glob("*/*/results.json")):
            record = _loaded(path)
            if not isinstance(record, dict) or _config_of_job(record.get("job")) != config:
                continue
            results = record.get("results")
            for result in results if isinstance(results, list) else ():
                size = _artifact_bytes(result)
                if size is not None:
                    yield str(record.get("run")), str(result.get("seed")), size


def _loaded(path: Path) -> Any:
    """A JSON file, or None where it cannot be read: a damaged neighbour must not stop a plan."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _config_of(path: Path) -> Any:
    return _config_of_job(_loaded(path))


def _config_of_job(job: Any) -> Any:
    return job.get("config") if isinstance(job, dict) else None


def _artifact_bytes(result: Any) -> int | None:
    """Of a completed attempt."""
    if not isinstance(result, dict) or result.get("status") != "completed":
        return None
    artifact = result.get("artifact")
    size = artifact.get("bytes") if isinstance(artifact, dict) else None
    return size if isinstance(size, int) else None


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
        basis=f"95 % prediction interval from {len(sizes)} finished seeds of this configuration",
    )


def forecast_from_past(output: Path, job: JobSpec, code_bytes: int) -> SizeForecast | None:
    """What earlier runs of the job's configuration, under `output`, say of the next one's total bytes."""
    export = job.config.export
    cap = export.step.cap_bytes if export.solves_step else None
    return prediction(past_artifact_bytes(output, resolved(job)["config"]), code_bytes, cap)
