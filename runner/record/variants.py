"""Other judged runs of a job's name that lie where its record will: what was tried, and what became of it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.job.base import changed, decisive
from runner.plan.past_results import SHELVES
from runner.record.files import read_results
from runner.results import RecordData, Variant

MOST = 20
"""Variants that a record shows; the newest ones."""


def variants(output: Path, name: str, run: str, job: Mapping[str, Any]) -> list[Variant]:
    """Every stored run of the job `name` but `run`, newest first. job: as published, what they are compared with."""
    found = []
    for shelf in SHELVES:
        for path in sorted((output / shelf).glob("*/*/results.json")):
            try:
                stored = read_results(path.parent)
            except UserError:  # a neighbour that cannot be read must not keep a record from being written
                continue
            if stored.name == name and stored.run != run:
                found.append(variant(stored, job))
    found.sort(key=lambda one: (one.date, one.run), reverse=True)
    return list({one.run: one for one in reversed(found)}.values())[::-1][:MOST]


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
