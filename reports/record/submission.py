"""submission.json with the keys that merged records use: only what was measured, null for what was not.

Means and deviations stand over all seeds of the job or not at all. `compliance` holds each check's own answer
(its worst over the seeds); nothing is claimed there that was not asked. `open_questions` are those that the track
requires and that nobody could answer: a record that has some is not verified, whatever its scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from reports.answers import open_questions, worst_statuses
from reports.numbers import known
from reports.tables import figure, seed_table, summary_table
from reports.text_words import other_text
from runner.results.record import RecordData

PER_SEED = {
    "val_loss": "val_loss",
    "val_bpb": "val_bpb",
    "artifact_bytes": "artifact_bytes",
    "steps": "steps",
    "step_avg_ms": "step_avg_ms",
    "train_time_s": "train_seconds",
    "eval_time_s": "eval_seconds",
}
"""Key in submission.json -> column of the seed table."""


def submission(data: RecordData) -> dict[str, Any]:
    """The content of submission.json as plain values."""
    seeds = seed_table(data)
    rows, summary = seeds.to_dict("records"), summary_table(seeds)
    hosts = [result.host for result in data.results if result.host is not None]
    on_gpu = bool(hosts) and all(host.hardware != "cpu" for host in hosts)

    def over_all(column: str, statistic: str) -> float | None:
        complete = len(rows) > 0 and figure(summary, "n", column) == len(rows)
        return known(figure(summary, statistic, column)) if complete else None

    def largest(column: str) -> int | None:
        values = [row[column] for row in rows]
        return max(values) if values and None not in values else None

    return {
        "author": data.job.get("author") or None,
        "github_id": data.job.get("github_id") or None,
        "name": data.name,
        "blurb": data.job.get("blurb") or None,
        "date": data.date or None,
        "track": data.track,
        "validation_text": other_text(data) or None,
        "val_loss": over_all("val_loss", "mean"),
        "val_bpb": over_all("val_bpb", "mean"),
        "val_loss_std": over_all("val_loss", "std"),
        "val_bpb_std": over_all("val_bpb", "std"),
        "seeds": [row["seed"] for row in rows],
        "seed_results": {
            str(row["seed"]): {key: _plain(row[column]) for key, column in PER_SEED.items()} for row in rows
        },
        "bytes_total": largest("total_bytes"),
        "bytes_code": largest("code_bytes"),
        "bytes_model_max": largest("artifact_bytes"),
        "hardware": _all(f"{host.hardware}: {host.device}" for host in hosts),
        "gpu_memory_mib": largest("peak_memory_mib") if on_gpu else None,
        "pytorch_version": _all(host.versions["torch"] for host in hosts if "torch" in host.versions),
        "cuda_version": _all(host.versions["cuda"] for host in hosts if "cuda" in host.versions),
        "verdict": data.verdict.status,
        "open_questions": open_questions(data.verdict.checks),
        "compliance": dict(worst_statuses(data.verdict.checks)),
    }


def submission_json(data: RecordData) -> str:
    """submission.json as text."""
    return json.dumps(submission(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> float | int | None:
    """Whole numbers stay whole; NaN is null."""
    return value if isinstance(value, int) else known(value)


def _all(values: Iterable[str]) -> str | None:
    """What the seeds' hosts say, once each; None where none says it."""
    return ", ".join(dict.fromkeys(values)) or None
