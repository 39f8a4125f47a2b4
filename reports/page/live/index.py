"""The list that `golf serve` opens with: runs as their folders say, and records by verdict and score."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from reports.numbers import MISSING
from reports.page.many.entries import Entry
from reports.page.many.leaderboard import leaderboard
from reports.page.section import Cell, Kind, Section, Table, Words
from runner.listing import counted
from runner.serving.facts import Listed, RunNow

RUNNING = "running"
LOOKS: dict[str, Kind] = {"running": "open", "passed": "good", "rejected": "bad", "unverified": "open"}
FEW = 8
"""So few lines need no field to search them."""
READ_ONLY = "Read from the folder every few seconds; nothing can be changed from this page."


def index_sections(
    runs: Sequence[RunNow], entries: Sequence[Entry], others: Sequence[Listed], unread: Sequence[tuple[str, str]]
) -> list[Section]:
    """Runs, then records. entries: of golf's own records; others: anybody's; unread: (folder, why)."""
    parts: list[Words | Table] = [Words(READ_ONLY, "muted")]
    parts.append(runs_table(runs) if runs else Words("No run here yet."))
    sections = [Section("runs", "Runs", tuple(parts))]
    if entries:
        board = leaderboard(entries)
        more = Words("All records beside each other, in pictures and tables", href="records/")
        sections.append(Section(board.anchor, "Records", (more, *board.parts)))
    if others:
        rows: list[list[str | Cell]] = [[Cell(one.folder, href=f"record/{one.key}/")] for one in others]
        told = Words(f"{counted(len(others), 'folder')} that golf did not write; each is audited when it is opened.")
        table = Table(("folder",), "l", rows, filterable=len(rows) > FEW)
        sections.append(Section("others", "Anybody's folders", (told, table)))
    if unread:
        sections.append(Section("unread", "Not read", (Table(("folder", "why"), "ll", list(map(list, unread))),)))
    return sections


def runs_table(runs: Sequence[RunNow]) -> Table:
    """A line for each run, the one that was written to last first."""
    rows: list[list[str | Cell]] = [
        [
            Cell(run.name, href=f"run/{quote(run.name, safe='')}/"),
            Cell(run.state, kind=LOOKS.get(run.state, "")),
            run.counts,
            Cell(run.verdict or MISSING, href=f"record/{run.record}/") if run.record else MISSING,
            run.problem or (f"stopped: {run.stopped}" if run.stopped else run.ahead),
        ]
        for run in runs
    ]
    return Table(("run", "it is", "seeds", "record", ""), "lllll", rows, sortable=True, dense=True)
