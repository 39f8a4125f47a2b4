"""Other judged runs of a job's name that lie where its record will: what was tried, and what became of it.

Also what tells any runs apart: the fields of their jobs that have a say in a run.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.job.base import changed, decisive, flat_fields
from runner.plan.past_results import SHELVES
from runner.printable import cut
from runner.record.files import read_results
from runner.results.record import RecordData
from runner.results.variants import Variant

MOST_VALUE = 40
"""Characters that are shown of a field's value."""
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


def told_apart(jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each job the fields, by dotted name, in which they are not all alike; absent is None."""
    flat = [configuration_fields(job) for job in jobs]
    names = dict.fromkeys(name for one in flat for name in one)
    differ = [name for name in names if any(one.get(name) != flat[0].get(name) for one in flat)]
    return [{name: one.get(name) for name in differ} for one in flat]


def configuration_fields(job: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a stored job that have a say in a run, by dotted name."""
    return dict(flat_fields(decisive(job)))


def differences_of(one: RecordData, other: RecordData) -> list[str]:
    """`model.num_layers: 9 and 10` for each field that tells two records' jobs apart; also another script or text."""
    here, there = told_apart([one.job, other.job])
    lines = [f"{name.removeprefix('config.')}: {shown(here[name])} and {shown(there[name])}" for name in here]
    for what, (left, right) in {
        "script": ({result.script_sha256 for result in record.results} for record in (one, other)),
        "data": (record.data.files for record in (one, other)),
    }.items():
        lines += [f"{what}: not the same"] if left != right and left and right else []
    return lines


def shown(value: Any) -> str:
    """A field's value as YAML would have it, cut short."""
    return "none" if value is None else cut(value if isinstance(value, str) else json.dumps(value), MOST_VALUE)
