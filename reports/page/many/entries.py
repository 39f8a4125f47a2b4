"""One line for each record, ours or anybody's: what the pictures and tables of many have in common.

What is not known is None, and a clock that is known as an interval stays one. Nothing here is measured: of a record
of ours it is what its results.json says, of anybody else's what the logs say that the audit read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reports.markdown import one_line
from reports.tables import SeedRow, official, seed_rows, seeds_asked
from reports.text_words import text_mark
from runner.audit.facts import LIMIT_S, Audit
from runner.results.frozen import Interval
from runner.results.record import RecordData
from runner.statistics import Sample, describe

BEYOND = 1e12
"""A score that is no number, or that large, is as good as not measured."""
MOST_ROWS = 300
"""Lines of a table, so that a page of thousands of folders is still one that a browser opens at once."""
CONTEST = "10min_16mb"
CONTEST_CAP = 16_000_000
Standing = Literal["passed", "unverified", "rejected", "repacked", "claimed", "accused"]
"""Of a record of ours its verdict; of anybody else's whether its audit found errors."""
STANDINGS: dict[Standing, str] = {
    "passed": "passed",
    "repacked": "repacked",
    "claimed": "audit: no error",
    "unverified": "unverified",
    "rejected": "rejected",
    "accused": "audit: errors",
}
"""In words; those that count most come first."""


@dataclass(frozen=True)
class SeedPoint:
    """One seed of a record."""

    seed: int | None
    bpb: float
    total_bytes: int | None
    train: Interval | None
    """Training clock, official rule, seconds."""


@dataclass(frozen=True)
class Entry:
    """One record."""

    name: str
    folder: str
    standing: Standing
    track: str
    data: str
    """The text that was scored, and whether it is another than the challenge's; '' where nobody knows."""
    origin: str
    """Who says so."""
    date: str
    seeds: int
    """How many belong to it, scored or not."""
    points: tuple[SeedPoint, ...]
    """Of the seeds that have a score."""
    sample: Sample | None
    """Their scores, bits per byte."""
    nats: Sample | None
    """The same in nats per token of its own tokenizer; not to be set against another's."""
    cap_bytes: int | None
    train_limit: float | None
    href: str = ""
    """Where its own page is; '' for none."""

    @property
    def total_bytes(self) -> int | None:
        """Script and artifact of the largest seed; None unless every scored seed's is known."""
        sizes = [point.total_bytes for point in self.points]
        return None if not sizes or None in sizes else max(size for size in sizes if size is not None)

    @property
    def train(self) -> Interval | None:
        """Between what the training clocks of its seeds lie; None unless every scored seed's is known."""
        clocks = [point.train for point in self.points]
        known = [clock for clock in clocks if clock is not None]
        if not known or len(known) < len(clocks):
            return None
        return Interval(low=min(one.low for one in known), high=max(one.high for one in known))


def entry_of_record(folder: Path, data: RecordData, href: str = "") -> Entry:
    """A record of ours."""
    rows = [row for row in seed_rows(data) if _bpb(row) is not None]
    points = tuple(
        SeedPoint(row.result.seed, bpb, row.total_bytes, official("train")(row))
        for row in rows
        if (bpb := _bpb(row)) is not None
    )
    losses = [row.result.final_score.val_loss for row in rows if row.result.final_score is not None]
    mark = text_mark(data)
    return Entry(
        name=one_line(data.name),
        folder=one_line(str(folder)),
        standing=data.verdict.status,
        track=one_line(data.track),
        data=one_line(f"{data.data.name} ({mark})" if mark else data.data.name),
        origin="claimed by its script" if data.only_claimed else "measured",
        date=one_line(data.date),
        seeds=seeds_asked(data),
        points=points,
        sample=describe([point.bpb for point in points]) if points else None,
        nats=describe(losses) if losses and all(abs(loss) < BEYOND for loss in losses) else None,
        cap_bytes=int(data.limits["cap_bytes"]),
        train_limit=data.limits["train_seconds"],
        href=href,
    )


def _bpb(row: SeedRow) -> float | None:
    score = row.result.final_score
    return None if score is None or not 0 < score.val_bpb < BEYOND else score.val_bpb


def entry_of_audit(folder: Path, audit: Audit, href: str = "") -> Entry:
    """Anybody's record folder: the runs that its headline is made of, as their logs say."""
    runs = [run for run in audit.runs if run.role == "primary"]
    points = tuple(
        SeedPoint(
            run.seed,
            run.final_val_bpb,
            run.total_bytes,
            None if run.train_seconds is None else Interval(low=run.train_seconds, high=run.train_seconds),
        )
        for run in runs
        if run.final_val_bpb is not None and 0 < run.final_val_bpb < BEYOND
    )
    losses = [run.final_val_loss for run in runs if run.final_val_loss is not None]
    whole = len(losses) == len(points) > 0 and all(abs(loss) < BEYOND for loss in losses)
    contest = audit.track == CONTEST
    return Entry(
        name=one_line(folder.resolve().name),
        folder=one_line(str(folder)),
        standing="accused" if any(one.severity == "error" for one in audit.findings) else "claimed",
        track=one_line(audit.track or ""),
        data="",
        origin="its logs say so",
        date="",
        seeds=len(runs),
        points=points,
        sample=describe([point.bpb for point in points]) if points else None,
        nats=describe(losses) if whole else None,
        cap_bytes=CONTEST_CAP if contest else None,
        train_limit=LIMIT_S if contest else None,
        href=href,
    )


def left_out(rows: int, most: int = MOST_ROWS) -> str:
    """What is said of the lines that a table does not show; empty where it shows all."""
    return f"{rows - most:,} more are not listed: name fewer folders to see them." if rows > most else ""


def ranked(entries: Iterable[Entry]) -> list[Entry]:
    """Those that passed first, then by mean score; those without a score last of their kind."""
    order = list(STANDINGS)
    return sorted(
        entries,
        key=lambda one: (order.index(one.standing), one.sample.mean if one.sample else BEYOND, one.name, one.folder),
    )


def labels(entries: Sequence[Entry]) -> list[str]:
    """A name for each that no other has: the job's, else with its folder."""
    names = Counter(one.name for one in entries)
    short = [one.folder.rstrip("/").rpartition("/")[2] for one in entries]
    first = [
        one.name if names[one.name] == 1 else f"{one.name} ({folder})"
        for folder, one in zip(short, entries, strict=True)
    ]
    several = Counter(first)
    return [
        label if several[label] == 1 else f"{one.name} ({one.folder})"
        for label, one in zip(first, entries, strict=True)
    ]
