"""Many records as one pandas table: a row for each seed, each job, and each group of jobs that may stand together.

All rows have the same statistics in both units, each over what the row's level counts: a seed its one score, a job
its seeds, a group its jobs, every job once with the mean of its seeds. Jobs are together only where configuration,
script, track, verdict, validation text and tokenizer are the same: a mean over others has no meaning. Layout is
pages.py's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.markdown import one_line
from reports.tables import NUMBERS, seed_frame, seed_rows
from reports.text_words import text_mark
from runner.files import sha256_bytes
from runner.record.variants import configuration_fields, shown, told_apart
from runner.results.record import RecordData
from runner.statistics import Sample, describe

UNITS = {"val_bpb": "bpb", "val_loss": "nats/token"}
"""Column of the seed table -> what its unit is called."""
BEYOND = 1e12
"""A score that is no number, or that large, is as good as not measured."""
STATISTICS = ("n", "mean", "std", "standard_error", "low", "high", "min", "max")
"""Fields of a Sample; low and high are the ends of the mean's 95 % t interval."""
CONFIGURATION = "configuration"
"""Column with a hash of what has a say in a run, and of its script."""
SHOWN_FIELDS = 4
"""Fields that a job is told apart by, at most; what is more is counted."""
WORDS = ("level", "folder", "job", "run", "track", "verdict", "data", "data_hash", "text")
MEASURED = tuple(name for name in NUMBERS if name not in UNITS)
"""Of seeds alone, beside their scores."""
COLUMNS = (
    *WORDS,
    CONFIGURATION,
    "seed",
    "status",
    *(f"{unit}_{name}" for unit in UNITS for name in STATISTICS),
    *MEASURED,
    "differs",
    "note",
    "problem",
)


@dataclass(frozen=True)
class Found:
    """One folder and what was read in it."""

    folder: Path
    data: RecordData | str
    """The record, or in one line why there is none."""


def across_frame(found: Sequence[Found]) -> pd.DataFrame:
    """COLUMNS of every seed, job and group, and a row `problem` for each folder that could not be read."""
    records = [(one.folder, one.data) for one in found if isinstance(one.data, RecordData)]
    seeds = _seed_level(records)
    jobs = _job_level(records)
    problems = [
        {"level": "problem", "folder": one_line(str(one.folder)), "problem": one_line(one.data)}
        for one in found
        if isinstance(one.data, str)
    ]
    rows = pd.DataFrame([*jobs, *_group_level(jobs), *problems], columns=list(COLUMNS))
    whole = rows if seeds.empty else pd.concat([seeds, rows.dropna(axis="columns", how="all")], ignore_index=True)
    return whole.reindex(columns=list(COLUMNS)).astype(_types())


def _types() -> dict[str, str]:
    """Int64 for what is counted, strings for words, numbers otherwise."""
    counted = {"seed", "steps", "peak_memory_mib", *(f"{unit}_n" for unit in UNITS)}
    words = {*WORDS, "configuration", "status", "differs", "note", "problem"}
    return {
        name: "Int64" if name in counted or name.endswith("_bytes") else "string" if name in words else "Float64"
        for name in COLUMNS
    }


def _seed_level(records: Iterable[tuple[Path, RecordData]]) -> pd.DataFrame:
    rows, words = [], []
    for folder, data in records:
        own = seed_rows(data)
        rows += own
        words += [_words("seed", folder, data)] * len(own)
    frame = seed_frame(rows)
    for unit in UNITS:
        frame[unit] = frame[unit].where(frame[unit].abs() < BEYOND)
        frame[f"{unit}_n"] = frame[unit].notna().astype("Int64")
        for name in ("mean", "min", "max"):
            frame[f"{unit}_{name}"] = frame[unit]
    return pd.concat([pd.DataFrame(words, columns=list(WORDS)), frame], axis="columns")


def _job_level(records: Iterable[tuple[Path, RecordData]]) -> list[dict[str, object]]:
    first: dict[object, str] = {}
    rows: list[dict[str, object]] = []
    records = list(records)
    apart = _differences([data for _, data in records])
    for (folder, data), differs in zip(records, apart, strict=True):
        words = _words("job", folder, data)
        before = first.setdefault(_mark(data), words["folder"])
        note = "" if before == words["folder"] else f"the same run as {before}, which counts across jobs"
        scores = [result.final_score for result in data.results if result.final_score is not None]
        values = {"val_bpb": [one.val_bpb for one in scores], "val_loss": [one.val_loss for one in scores]}
        own = {CONFIGURATION: _configuration(data), "differs": differs, "note": note}
        rows.append({**words, **own, **_statistics(values)})
    return rows


def _configuration(data: RecordData) -> str:
    """Eight digits over the fields that have a say in a run, and over the scripts that ran."""
    fields = configuration_fields(data.job)
    scripts = sorted({result.script_sha256 for result in data.results})
    return sha256_bytes(json.dumps([fields, scripts], sort_keys=True, default=str).encode("utf-8", "replace"))[:8]


def _differences(records: Sequence[RecordData]) -> list[str]:
    """Of each record what tells it from the others of its job's name; of two alone, also where their names differ."""
    groups: dict[str, list[int]] = {}
    for number, data in enumerate(records):
        groups.setdefault("" if len(records) == 2 else data.name, []).append(number)
    told = [""] * len(records)
    for members in groups.values():
        for number, fields in zip(members, told_apart([records[number].job for number in members]), strict=True):
            words = [f"{name.removeprefix('config.')} {shown(value)}" for name, value in fields.items()]
            more = len(words) - SHOWN_FIELDS
            said = ", ".join(words[:SHOWN_FIELDS]) + (f" and {more} more" if more > 0 else "")
            told[number] = one_line(said)
    return told


def _group_level(jobs: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    groups: dict[tuple[object, ...], list[dict[str, object]]] = {}
    alike = (CONFIGURATION, "track", "verdict", "data", "data_hash")
    for job in jobs:
        if not job["note"]:
            groups.setdefault(tuple(job[name] for name in alike), []).append(job)
    return [
        {
            "level": "jobs",
            **dict(zip(alike, key, strict=True)),
            "text": ", ".join(sorted({str(job["text"]) for job in members} - {""})),
            **_statistics({unit: [job.get(f"{unit}_mean") for job in members] for unit in UNITS}),
        }
        for key, members in groups.items()
    ]


def _statistics(values: dict[str, list[object]] | dict[str, list[float]]) -> dict[str, object]:
    """Statistics of each unit over the values that are numbers."""
    made: dict[str, object] = {}
    for unit, given in values.items():
        numbers = [value for value in given if isinstance(value, (int, float)) and abs(value) < BEYOND]
        made[f"{unit}_n"] = len(numbers)
        if numbers:
            found: Sample = describe(numbers)
            made |= {f"{unit}_{name}": getattr(found, name) for name in STATISTICS}
    return made


def _words(level: str, folder: Path, data: RecordData) -> dict[str, str]:
    """What a record is called; whatever it says of itself is one line of visible text."""
    seen = {name: digest for name, digest in data.data.files.items() if not name.startswith("fineweb_train_")}
    together = "\n".join(sorted(seen.values()))
    said = (level, str(folder), data.name, data.run, data.track, data.verdict.status, data.data.name)
    return dict(
        zip(
            WORDS,
            [*map(one_line, said), sha256_bytes(together.encode("utf-8", "replace"))[:8], text_mark(data)],
            strict=True,
        )
    )


def _mark(data: RecordData) -> object:
    """What two records of one verdict share only if they hold the same seeds of the same run."""
    runs = [(one.seed, one.started_at, one.artifact.sha256 if one.artifact else "") for one in data.results]
    return data.verdict.status, data.run, tuple(runs)
