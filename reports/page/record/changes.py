"""What the job changed against the one that it sets out from."""

from __future__ import annotations

from reports.page.record.series import shortened
from reports.page.section import Section, Table, Words
from reports.sections.model import shown_value
from runner.listing import counted
from runner.results.record import RecordData


def changes_section(data: RecordData) -> Section:
    """Field, value there and here, and what the field is."""
    changes = data.changes
    if changes is None:
        words = "Somebody else's script: its job names no base to set it against."
        return Section("changes", "Configuration", (Words(words, "muted"),))
    against = f"the job {changes.base}" if changes.base else "golf's default configuration, as the job names no base"
    if not changes.fields:
        return Section("changes", "Configuration", (Words(f"Nothing differs from {against}."),))
    said = Words(f"{counted(len(changes.fields), 'field')} against {against}.")
    rows = [[one.field, shown_value(one.there), shown_value(one.here), one.about] for one in changes.fields]
    table = Table(
        ("field", "base", "here", "what it is"),
        "llll",
        shortened(rows, "results.json"),
        "Changed fields",
        filterable=len(rows) > 12,
    )
    return Section("changes", "Configuration", (said, table))
