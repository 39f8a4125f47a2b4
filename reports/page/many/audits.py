"""What the audit found in anybody's folders: how many have what, each folder in a line, every finding with its place.

All of it is what strangers' files say, or what is missing in them; text stays text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.audit.words import NAMES, claim_rows, headline, score, seeds, verdict
from reports.numbers import count
from reports.page.many.entries import MOST_ROWS, left_out
from reports.page.section import Cell, Kind, Picture, Section, Table, Words
from runner.audit.facts import Audit, Finding, Severity
from runner.listing import counted

Found = Sequence[tuple[Path, Audit | str]]
LOOKS: dict[Severity, tuple[str, Kind]] = {
    "error": ("@bad", "bad"),
    "warn": ("@open", "open"),
    "info": ("@7", "muted"),
}
"""Colour of a bar, and how a cell looks."""
MOST_FINDINGS = 1_000
"""Findings, the gravest first, that a page lists; a table of all is `golf audit --output`."""
FEW = 8
"""So few lines need no field to search them."""
MOST_KINDS = 20
MOST_PLACES = 4
MOST_DETAIL = 400
CLEAR = 7.0
"""Sorts after every severity."""


def audit_sections(found: Found) -> list[Section]:
    """Sections on folders that were audited; none where none was."""
    if not found:
        return []
    audits = [audit for _, audit in found if isinstance(audit, Audit)]
    parts: list[Words | Picture | Table] = [Words(summary(found))]
    if (picture := kinds_picture(audits)) is not None:
        parts.append(picture)
    parts += [Words(words, "muted") for words in [left_out(len(audits))] if words]
    parts += [folders_table(audits)]
    return [
        Section("audits", "Audited folders", tuple(parts)),
        *([Section("findings", "Findings", findings_parts(audits))] if any(one.findings for one in audits) else []),
    ]


def summary(found: Found) -> str:
    """How many folders, and what they have."""
    audits = [audit for _, audit in found if isinstance(audit, Audit)]
    errors = sum(any(one.severity == "error" for one in audit.findings) for audit in audits)
    clean = sum(not audit.findings for audit in audits)
    lost = len(found) - len(audits)
    told = f"{counted(len(found), 'folder')}: {errors:,} with errors, {clean:,} without findings"
    return (
        f"{told}{f', {lost:,} unreadable' if lost else ''}. Nothing of them was executed; a folder without findings "
        "may still be wrong in what no file of it says."
    )


def kinds_picture(audits: Sequence[Audit]) -> Picture | None:
    """How many folders have which finding; None where none has any."""
    counts = Counter(pair for audit in audits for pair in {(one.kind, one.severity) for one in audit.findings})
    if not counts:
        return None
    totals: Counter[str] = Counter()
    for (kind, _), number in counts.items():
        totals[kind] += number
    kinds = [kind for kind, _ in totals.most_common(MOST_KINDS)]
    traces: list[dict[str, Any]] = []
    for severity, (colour, _) in LOOKS.items():
        values = [counts[kind, severity] for kind in kinds]
        if any(values):
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": NAMES[severity],
                    "x": values,
                    "y": kinds,
                    "marker": {"color": colour},
                    "text": [
                        f"{kind}: {NAMES[severity]} in {counted(n, 'folder')}"
                        for kind, n in zip(kinds, values, strict=True)
                    ],
                    "textposition": "none",
                    "hovertemplate": "%{text}",
                }
            )
    rows: list[list[str | Cell]] = [
        [kind, Cell(NAMES[severity], list(LOOKS).index(severity), LOOKS[severity][1]), Cell(f"{number:,}", number)]
        for (kind, severity), number in counts.most_common()
    ]
    layout = {
        "barmode": "stack",
        "bargap": 0.3,
        "xaxis": {"title": {"text": "folders (number)"}, "tickformat": ",d"},
        "yaxis": {"autorange": "reversed", "title": {"text": "finding"}},
    }
    return Picture(
        {"data": traces, "layout": layout},
        Table(("finding", "severity", "folders"), "llr", rows, sortable=True),
        f"How many of {counted(len(audits), 'folder')} have which finding; the commonest first.",
        title="Findings by kind",
        height=110 + 22 * len(kinds),
    )


def _gravity(audit: Audit) -> int:
    """Sorts those with errors first, those without findings last."""
    worst = {one.severity for one in audit.findings}
    return next((place for place, name in enumerate(LOOKS) if name in worst), len(LOOKS))


def folders_table(audits: Sequence[Audit]) -> Table:
    """A line for each folder, the gravest first: what is claimed beside what its logs show."""
    rows: list[list[str | Cell]] = []
    for audit in sorted(audits, key=_gravity)[:MOST_ROWS]:
        worst = next((name for name in LOOKS if any(one.severity == name for one in audit.findings)), None)
        bpb, size, _ = claim_rows(audit)
        kind: Kind = "" if worst is None else LOOKS[worst][1]
        rows.append(
            [
                audit.folder.rstrip("/").rpartition("/")[2] or audit.folder,
                Cell(headline(audit), CLEAR if worst is None else list(LOOKS).index(worst), kind),
                Cell(bpb[1], audit.claimed.val_bpb),
                Cell(score(audit), audit.mean_val_bpb),
                Cell(count(seeds(audit)), seeds(audit)),
                Cell(size[1], audit.claimed.bytes_total),
                size[2],
                audit.track or "",
                audit.folder,
            ]
        )
    heads = (
        *("folder", "found", "claimed bpb", "its logs' bpb", "seeds", "claimed bytes", "its logs' bytes"),
        *("track", "place"),
    )
    return Table(heads, "llrrrrrll", rows, "audited folders", sortable=True, filterable=True, dense=True)


def findings_parts(audits: Sequence[Audit]) -> tuple[Words | Table, ...]:
    """Every finding with its places; of very many the gravest."""
    order = list(LOOKS)
    every = [(audit, one) for audit in audits for one in audit.findings]
    every.sort(key=lambda pair: order.index(pair[1].severity))
    rows = [_finding_row(audit, one) for audit, one in every[:MOST_FINDINGS]]
    heads = ["folder", "severity", "finding", "what", "where"]
    if len(audits) == 1:
        rows, heads = [row[1:] for row in rows], heads[1:]
    left = len(every) - len(rows)
    words = (
        f"{left:,} lighter findings are not listed; golf audit --all --output FILE.csv has a line for each folder."
    )
    more = [Words(words, "muted")] if left else []
    table = Table(heads, "l" * len(heads), rows, "findings", sortable=True, filterable=len(rows) > FEW)
    return (*more, table)


def _finding_row(audit: Audit, one: Finding) -> list[str | Cell]:
    places = "; ".join(one.evidence[:MOST_PLACES])
    more = len(one.evidence) - MOST_PLACES
    detail = one.detail if len(one.detail) <= MOST_DETAIL else f"{one.detail[: MOST_DETAIL - 1]}…"
    return [
        audit.folder.rstrip("/").rpartition("/")[2] or audit.folder,
        Cell(NAMES[one.severity], list(LOOKS).index(one.severity), LOOKS[one.severity][1]),
        one.kind,
        detail,
        f"{places} and {more} more" if more > 0 else places,
    ]


def folder_sections(audit: Audit) -> list[Section]:
    """The page of one audited folder: what a reviewer would say, claims beside logs, findings."""
    claims = Table(("", "claimed", "its logs show"), "lrr", claim_rows(audit))
    told = [Section("verdict", "What the audit says", (Words(verdict(audit)), claims))]
    if audit.findings:
        told.append(Section("findings", "Findings", findings_parts([audit])))
    if audit.notes:
        notes = [Words(f"{one.kind}: {one.detail}") for one in audit.notes]
        told.append(Section("notes", "Notes", tuple(notes)))
    return told
