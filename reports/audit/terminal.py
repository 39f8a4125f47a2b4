"""What `golf audit` prints for people: the verdict in words, the runs, claims beside what the logs show, findings.

Text from the audited folder goes in as text, never as markup. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.audit.words import claim_rows, headline, run_columns, run_rows
from reports.markdown import one_line
from runner.audit.facts import Audit, Severity

MIN_LOG = 10
"""Characters of a log's name that stand on one line at least."""
STYLES: dict[Severity, str] = {"error": "bold red", "warn": "yellow", "info": "cyan"}


def terminal_audit(audit: Audit) -> RenderableType:
    """One audit as a renderable."""
    parts: list[RenderableType] = [
        Text.assemble((one_line(audit.folder), "bold"), f"  {one_line(audit.track or 'track not said')}"),
        Text(headline(audit), STYLES[audit.findings[0].severity] if audit.findings else "green"),
    ]
    if audit.runs:
        parts += [Text(), _table(run_columns(), run_rows(audit))]
    parts += [Text(), _table(["", "claimed", "the logs show"], claim_rows(audit))]
    if audit.findings or audit.notes:
        parts.append(Text())
    for one in (*audit.findings, *audit.notes):
        parts.append(Text.assemble((f"{one.severity:5} ", STYLES[one.severity]), (one.kind, "bold")))
        parts.append(Padding(Text(one_line(one.detail)), (0, 0, 0, 6)))
        if one.evidence:
            shown = ", ".join(one_line(place) for place in one.evidence[:4])
            more = f" and {len(one.evidence) - 4} more" if len(one.evidence) > 4 else ""
            parts.append(Padding(Text(f"{shown}{more}", "dim"), (0, 0, 0, 6)))
    return Group(*parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, title in enumerate(head):
        # A narrow terminal folds words; a number broken over two lines, or cut, would be read as another one.
        words = title in ("", "log", "role")
        table.add_column(
            title,
            justify="left" if index == 0 else "right",
            overflow="fold" if words else "ellipsis",
            no_wrap=not words,
            min_width=MIN_LOG if title == "log" else None,
        )
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return table
