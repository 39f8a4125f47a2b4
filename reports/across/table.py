"""Many records as one pandas table: a row for each seed, each job, and each group of jobs that may stand together.

All rows have the same statistics in both units, each over what the row's level counts: a seed its one score, a job
its seeds, a group its jobs, every job once with the mean of its seeds. Jobs are together only where track, verdict,
validation text and tokenizer are the same. Layout is across_pages.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.markdown import one_line
from reports.tables import NUMBERS, seed_frame, seed_rows
from reports.text_words import text_mark
from runner.files import sha256_bytes
from runner.results import RecordData
from runner.statistics import Sample, describe

UNITS = {"val_bpb": "bpb", "val_loss": "nats/token"}
"""Column of the seed table -> what its unit is called."""
BEYOND = 1e12
"""A score that is no number, or that large, is as good as not measured."""
STATISTICS = ("n", "mean", "std", "standard_error", "low", "high", "min", "max")
"""Fields of a Sample; low and high are the ends of the mean's 95 % t interval."""
WORDS = ("level", "folder", "job", "run", "track", "verdict", "data", "data_hash", "text")
MEASURED = tuple(name for name in NUMBERS if name not in UNITS)
"""Of seeds alone, beside their scores."""
COLUMNS = (
    *WORDS,
    "seed",
    "status",
    *(f"{unit}_{name}" for unit in UNITS for name in STATISTICS),
    *MEASURED,
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
    words = {*WORDS, "status", "note", "problem"}
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
    rows = []
    for folder, data in records:
        words = _words("job", folder, data)
        before = first.setdefault(_mark(data), words["folder"])
        note = "" if before == words["folder"] else f"the same run as {before}, which counts across jobs"
        scores = [result.final_score for result in data.results if result.final_score is not None]
        values = {"val_bpb": [one.val_bpb for one in scores], "val_loss": [one.val_loss for one in scores]}
        rows.append({**words, "note": note, **_statistics(values)})
    return rows


def _group_level(jobs: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    groups: dict[tuple[object, ...], list[dict[str, object]]] = {}
    alike = ("track", "verdict", "data", "data_hash")
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
