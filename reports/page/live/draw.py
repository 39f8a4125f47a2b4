"""The pages of `golf serve`, of values alone: the list, one run, one record of anybody's, all records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.page.frame import page
from reports.page.live.index import index_sections
from reports.page.live.run import run_sections
from reports.page.many.audits import folder_sections
from reports.page.many.entries import Entry
from reports.page.many.page import Read, entries_of, many_sections, sound
from reports.page.record.sections import record_sections
from reports.page.section import Section, Words
from runner.audit.facts import Audit
from runner.compare.facts import Matrix
from runner.listing import counted
from runner.results.record import RecordData
from runner.search.sweeps.facts import SweepFacts
from runner.serving.facts import Listed, RunNow


@dataclass(frozen=True)
class Board:
    """What the list says of golf's own records."""

    entries: tuple[Entry, ...]
    unread: tuple[tuple[str, str], ...]
    """(folder, why) of those that cannot be read."""


def board(found: Read, keys: Mapping[Path, str]) -> Board:
    """A line for each record. keys: its folder -> its part of an address."""
    found = sound(found)
    entries = entries_of(found, lambda folder: f"record/{keys[folder]}/")
    return Board(tuple(entries), tuple((str(folder), data) for folder, data in found if isinstance(data, str)))


def index(title: str, runs: Sequence[RunNow], board: Board, others: Sequence[Listed]) -> str:
    """The list that the server opens with."""
    return page(title, index_sections(runs, board.entries, others, board.unread), live=True)


def run(run: RunNow, up: str) -> str:
    """One run as it stands."""
    return page(run.name, run_sections(run, up), live=True)


def record(folder: Path, data: RecordData | Audit | str, up: str) -> str:
    """One record folder: ours as `golf report` shows it, anybody's as `golf audit` reads it."""
    if isinstance(data, str):
        return page(folder.name, _with_way_back([Section("problem", "Not read", (Words(data, "bad"),))], up))
    if isinstance(data, Audit):
        return page(f"Audit of {folder.name}", _with_way_back(folder_sections(data), up))
    return page(f"{data.name}: {data.verdict.status}", _with_way_back(record_sections(data), up))


def records(
    found: Read,
    matrices: Sequence[Matrix],
    sweeps: Sequence[SweepFacts],
    keys: Mapping[Path, str],
    left_out: int,
    up: str,
) -> str:
    """All records beside each other. left_out: folders of others that are too many to be audited here."""
    made = many_sections(sound(found), matrices, sweeps, lambda folder: f"{up}record/{keys[folder]}/")
    if left_out:
        told = f"Not here: {counted(left_out, 'folder')} that golf did not write. golf audit --all reads such."
        made.append(Section("others", "Anybody's folders", (Words(told),)))
    nothing = Section("none", "None", (Words("No record here yet."),))
    return page("Records", _with_way_back(made or [nothing], up), live=True)


def _with_way_back(sections: Sequence[Section], up: str) -> list[Section]:
    """The sections, with the way to the list at the top of the first."""
    first, *others = sections
    return [replace(first, parts=(Words("Back to the list", href=up), *first.parts)), *others]
