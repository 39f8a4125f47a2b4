"""A hand-made record in which everything that a record can tell is told: base, sources, launches, curves and more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.base import attributions, changes
from runner.job import load_job
from runner.job_spec import resolved, without_folders
from runner.results import Curve, Launch, RecordData, Variant
from tests.samples import record, run_result

JOBS = Path(__file__).resolve().parents[1] / "jobs"


def told_record(job: str = "quickstart", **changed: Any) -> RecordData:
    """The record of one of our jobs with its configuration and everything beside it; `changed` goes into it."""
    spec = load_job(JOBS / f"{job}.yaml")
    mapping = without_folders(resolved(spec))
    notes = ["a table of 4,096 rows: 0.02 bpb worse", "no warm-up: the first steps diverged"]
    base: dict[str, Any] = {
        "results": [run_result(1337), run_result(42, attempt=2), run_result(2024)],
        "job": {**mapping, "name": "quickstart", "track": "local", "author": "A. Person", "notes": notes},
        "changes": changes(spec),
        "attributions": attributions(spec),
        "variants": [
            Variant(
                run="quickstart-deadbeef",
                date="2025-12-31",
                status="rejected",
                reason="Better than the bigram model? No for seed 42: 1.9 bpb; limit under 1.753 bpb",
                seeds=2,
                val_bpb=1.8125,
                fields=(moved.fields[:8] if (moved := changes(spec)) else []),
            )
        ],
        "launches": [
            Launch(seed=1337, attempt=1, status="completed", seconds=75.0),
            Launch(seed=42, attempt=2, status="completed", seconds=76.0),
            Launch(seed=42, attempt=1, status="lost", seconds=30.0),
            Launch(seed=2024, attempt=1, status="completed", seconds=77.0),
        ],
        "gpus_per_seed": 8,
        "dollars_per_hour": 20.0,
        "requirements": {"torch": "2.13.0+cpu", "numpy": "2.4.6", "flash-attn": None},
        "curves": [
            Curve(seed=seed, steps=[1, 50, 410], losses=[6.93, 4.25, 3.5], val_steps=[410], val_losses=[3.69])
            for seed in (1337, 42, 2024)
        ],
        "data": record().data.model_copy(update={"tokenizer": "tokenizer.model"}),
    }
    return record(**{**base, **changed})
