"""Other judged runs of a job's name that lie where its record will: what was tried, and what became of it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.base import changed, decisive
from runner.past_results import SHELVES
from runner.results import RecordData, Variant

MOST = 20
"""Variants that a record shows; the newest ones."""
MOST_BYTES = 32 << 20
"""A larger results.json is none of ours."""


def variants(output: Path, name: str, run: str, job: Mapping[str, Any]) -> list[Variant]:
    """Every stored run of the job `name` but `run`, newest first. job: as published, what they are compared with."""
    found = []
    for shelf in SHELVES:
        for path in sorted((output / shelf).glob("*/*/results.json")):
            stored = read_record(path)
            if stored is not None and stored.name == name and stored.run != run:
                found.append(variant(stored, job))
    found.sort(key=lambda one: (one.date, one.run), reverse=True)
    return list({one.run: one for one in reversed(found)}.values())[::-1][:MOST]


def read_record(path: Path) -> RecordData | None:
    """A neighbour's results.json; None where it cannot be read: that must not keep a record from being written."""
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            return None
        return RecordData.model_validate_json(path.read_bytes())
    except (OSError, ValidationError, RecursionError):
        return None


def variant(stored: RecordData, job: Mapping[str, Any]) -> Variant:
    """What is told of one of them."""
    scores = [result.final_score.val_bpb for result in stored.results if result.final_score is not None]
    return Variant(
        run=stored.run,
        date=stored.date,
        status=stored.verdict.status,
        reason=stored.verdict.reasons[0] if stored.verdict.reasons else "",
        seeds=len(scores),
        val_bpb=statistics.fmean(scores) if scores else None,
        fields=changed(decisive(stored.job), decisive(job)),
    )
