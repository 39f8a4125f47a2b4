"""The table of many records for people and programs: markdown, CSV, parquet.

Names come from files that may be hostile: escaped in markdown, and in CSV kept from being read as formulas.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from reports.across.table import UNITS
from reports.clock_cells import seed_cell
from reports.markdown import code, escaped, table
from reports.numbers import MISSING, count, fixed
from runner.errors import UserError
from runner.listing import counted

DIGITS = {"val_bpb": 6, "val_loss": 5}
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets compute a cell that begins so."""
Row = dict[str, object]


@dataclass(frozen=True)
class Section:
    """One table of the page."""

    title: str
    note: str
    heads: Sequence[str]
    align: str
    """`l` or `r` for each column."""
    rows: Sequence[Sequence[str]]


def sections(frame: pd.DataFrame) -> list[Section]:
    """The page's tables: what could not be read, jobs, groups of jobs, seeds."""
    levels: dict[str, list[Row]] = {str(level): rows_of(part) for level, part in frame.groupby("level")}
    problems = levels.get("problem", [])
    jobs, groups, seeds = levels.get("job", []), levels.get("jobs", []), levels.get("seed", [])
    groups = [row for row in groups if any(_more_than_one(row[f"{unit}_n"]) for unit in UNITS)]
    differs = ("differs",) if any(_text(row["differs"]) for row in jobs) else ()
    statistics = ("n", "mean", "std", "std error", "95 % t interval", "min", "max")
    found = [
        Section(
            "Not read",
            "",
            ("folder", "why"),
            "ll",
            [[_text(row["folder"]), _text(row["problem"])] for row in problems],
        ),
        Section(
            "Jobs",
            "Over the seeds of each record; std is the sample standard deviation.",
            ("job", *differs, "verdict", "track", "data", "unit", *statistics, "folder"),
            f"{'l' * len(differs)}lllll{'r' * 7}l",
            [
                _line(row, unit, ("job", *differs, "verdict", "track", "data"), "folder")
                for row in jobs
                for unit in UNITS
            ],
        ),
        Section(
            "Across jobs of one configuration",
            "Jobs of one configuration and script, track, verdict, validation text and tokenizer (hash: of both); "
            "each counts once, with the mean of its seeds.",
            ("configuration", "track", "verdict", "data", "hash", "unit", *statistics),
            f"llllll{'r' * 7}",
            [
                _line(row, unit, ("configuration", "track", "verdict", "data", "data_hash"))
                for row in groups
                for unit in UNITS
            ],
        ),
        Section(
            "Seeds",
            "",
            (
                "job",
                "verdict",
                "data",
                "seed",
                "status",
                *UNITS.values(),
                "steps",
                "total B",
                "train s",
                "eval s",
                "folder",
            ),
            "lllrlrrrrrrl",
            [_seed_line(row) for row in seeds],
        ),
        Section(
            "Notes",
            "",
            ("folder", "note"),
            "ll",
            [[_text(row["folder"]), _text(row["note"])] for row in jobs if _text(row["note"])],
        ),
    ]
    return [section for section in found if section.rows]


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows as mappings from column to value."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def headline(frame: pd.DataFrame) -> str:
    """How many folders of which verdict."""
    jobs = frame.loc[frame["level"] == "job", "verdict"].value_counts()
    said = [f"{number:,} {verdict}" for verdict, number in sorted(jobs.items(), key=lambda item: str(item[0]))]
    lost = int((frame["level"] == "problem").sum())
    return ", ".join([counted(int(jobs.sum()), "record"), *said, *([f"{lost:,} not read"] if lost else [])]) + "."


def _line(row: Row, unit: str, words: Sequence[str], last: str = "") -> list[str]:
    digits = DIGITS[unit]
    low, high = (fixed(row[f"{unit}_{end}"], digits) for end in ("low", "high"))
    numbers = [fixed(row[f"{unit}_{name}"], digits) for name in ("mean", "std", "standard_error")]
    numbers += [MISSING if MISSING in (low, high) else f"{low} to {high}"]
    numbers += [fixed(row[f"{unit}_{name}"], digits) for name in ("min", "max")]
    told = [_data(row) if name == "data" else _text(row[name]) for name in words]
    return [*told, UNITS[unit], count(row[f"{unit}_n"]), *numbers, *([_text(row[last])] if last else [])]


def _seed_line(row: Row) -> list[str]:
    return [
        _text(row["job"]),
        _text(row["verdict"]),
        _data(row),
        str(row["seed"]),
        _text(row["status"]),
        *(fixed(row[f"{unit}_mean"], DIGITS[unit]) for unit in UNITS),
        count(row["steps"]),
        count(row["total_bytes"]),
        *(seed_cell(row, name, 2) for name in ("train_seconds", "eval_seconds")),
        _text(row["folder"]),
    ]


def _more_than_one(number: object) -> bool:
    return isinstance(number, int) and number > 1


def _data(row: Row) -> str:
    """The data's name, and whether it is another text than the challenge's."""
    mark = _text(row["text"])
    return f"{_text(row['data'])} ({mark})" if mark else _text(row["data"])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def to_markdown(frame: pd.DataFrame) -> bytes:
    """A page of GitHub markdown."""
    parts = ["# Records", headline(frame)]
    for section in sections(frame):
        rows = [
            [code(cell) if head == "folder" else cell for head, cell in zip(section.heads, row, strict=True)]
            for row in section.rows
        ]
        parts += [f"## {section.title}", *([escaped(section.note)] if section.note else [])]
        parts += [table(section.align, section.heads, rows)]
    return ("\n\n".join(parts) + "\n").encode()


def to_csv(frame: pd.DataFrame) -> bytes:
    """The whole table with every digit; what is missing is empty."""
    safe = frame.copy()
    for name in safe.columns[safe.dtypes == "string"]:
        safe[name] = safe[name].map(
            lambda text: f"'{text}" if text.startswith(FORMULAS) else text, na_action="ignore"
        )
    return safe.to_csv(index=False, lineterminator="\n").encode()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """The whole table, typed."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[pd.DataFrame], bytes]] = {"md": to_markdown, "csv": to_csv, "parquet": to_parquet}
PAGE = "html"
"""A format, too: the page with pictures, which is reports/page's."""
NAMES = ("md", PAGE, "csv", "parquet")
ENDINGS = {"": "md", "markdown": "md", "txt": "md", "htm": "html", **{name: name for name in NAMES}}
"""Ending of a file's name -> its format."""


def chosen_format(name: str | None, output: Path | None) -> str:
    """The format that is asked for, else what the file's ending says, else md. UserError where it cannot be made."""
    ending = output.suffix.removeprefix(".") if output is not None else ""
    chosen = name or ENDINGS.get(ending.lower(), "")
    if not chosen:
        raise UserError(
            f"--output {output}: .{ending} is none of {', '.join(NAMES)}; name the file so, or say which it is "
            "with --format"
        )
    if chosen not in NAMES:
        raise UserError(f"--format: {chosen!r} is not one of {', '.join(NAMES)}")
    if chosen == "parquet" and output is None:
        raise UserError("--format parquet: is not text; name a file with --output")
    if chosen == "parquet" and find_spec("pyarrow") is None:
        raise UserError("--format parquet: needs the package pyarrow; install it, or choose csv")
    return chosen
