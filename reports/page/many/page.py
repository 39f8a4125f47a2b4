"""The page of many records: all sections that have something to say, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reports.across.pages import sections as across_sections
from reports.across.table import Found, across_frame
from reports.page.frame import page
from reports.page.many.audits import audit_sections, folder_sections
from reports.page.many.entries import Entry, entry_of_audit, entry_of_record
from reports.page.many.leaderboard import leaderboard
from reports.page.many.matrix import matrix_section
from reports.page.many.scatter import score_section
from reports.page.many.variants import sweeps_section, tables_of, variants_section
from reports.page.section import Section, Table, Words
from reports.record.rebuild import BENT
from runner.audit.facts import Audit
from runner.compare.facts import Matrix
from runner.results.record import RecordData
from runner.search.sweeps.facts import SweepFacts

MOST_LINES = 600
"""Lines of a table across records; all of them are in `golf report --format csv`."""
FOLDED = ("Jobs", "Seeds")
"""Tables across records that are long and seldom wanted: the leaderboard has most of it."""


Read = Sequence[tuple[Path, RecordData | Audit | str]]
"""Folders and what was read in them: a record of ours, the audit of anybody's, or why neither."""


def entries_of(found: Read, href: Callable[[Path], str] = lambda folder: "") -> list[Entry]:
    """A line for each that is a record. href: a folder -> where its own page is."""
    return [
        entry_of_record(folder, data, href(folder))
        if isinstance(data, RecordData)
        else entry_of_audit(folder, data, href(folder))
        for folder, data in found
        if not isinstance(data, str)
    ]


def sound(found: Read) -> Read:
    """The same, with a line in the place of a record whose results hold what no run of golf has stored."""
    return [(folder, _unless_bent(folder, data)) for folder, data in found]


def _unless_bent(folder: Path, data: RecordData | Audit | str) -> RecordData | Audit | str:
    try:
        entries_of([(folder, data)])
    except BENT as error:
        return f"{folder}: no line can be made of it ({type(error).__name__}: {error})"
    return data


def many_page(title: str, found: Read, matrices: Sequence[Matrix], sweeps: Sequence[SweepFacts] = ()) -> str:
    """The one file on many folders. matrices: of those that are records, one for each policy."""
    return page(title, many_sections(found, matrices, sweeps))


def audits_page(found: Sequence[tuple[Path, Audit | str]], matrices: Sequence[Matrix]) -> str:
    """The one file on folders that were all audited; of one alone what a reviewer would say first."""
    if len(found) == 1 and isinstance(found[0][1], Audit):
        return page(f"Audit of {found[0][0].name}", folder_sections(found[0][1]))
    return page("Audits", many_sections(found, matrices))


def many_sections(
    found: Read,
    matrices: Sequence[Matrix],
    sweeps: Sequence[SweepFacts] = (),
    href: Callable[[Path], str] = lambda folder: "",
) -> list[Section]:
    """All sections on the folders. matrices: of those that are records, one for each policy."""
    entries = entries_of(found, href)
    records = [data for _, data in found if isinstance(data, RecordData)]
    audits = [(folder, data) for folder, data in found if isinstance(data, Audit)]
    made = [
        leaderboard(entries) if entries else None,
        score_section(entries),
        matrix_section(matrices),
        variants_section(tables_of(records)),
        sweeps_section(sweeps),
        *audit_sections(audits),
        *further(found),
    ]
    return [section for section in made if section is not None]


def further(found: Read) -> list[Section]:
    """What the tables across records have beside the leaderboard: groups of jobs, seeds, notes, what was not read."""
    frame = across_frame([Found(folder, data) for folder, data in found if not isinstance(data, Audit)])
    told: list[Section] = []
    for one in across_sections(frame):
        rows = [list(row) for row in one.rows]
        left = len(rows) - MOST_LINES
        more = f"{left:,} more are not listed; golf report --format csv has them." if left > 0 else ""
        table = Table(one.heads, one.align, rows[:MOST_LINES], one.title, sortable=True, folded=one.title in FOLDED)
        words = [Words(text) for text in (one.note, more) if text]
        told.append(Section(f"all-{one.title.lower().replace(' ', '-')}", one.title, (*words, table)))
    return told
