"""An audit as a review comment in GitHub markdown, ready to paste. Text from the folder is escaped."""

from __future__ import annotations

from reports.audit.words import claim_rows, headline, run_columns, run_rows
from reports.markdown import Markdown, code, escaped, table
from runner.audit.facts import Audit, Finding

TITLES = {"error": "Errors", "warn": "Warnings", "info": "Notes"}


def markdown_audit(audit: Audit) -> str:
    """The whole comment, with a newline at its end."""
    name = audit.folder.rstrip("/").rpartition("/")[2] or audit.folder
    parts = [f"### Audit of {code(name)}", escaped(f"{headline(audit)}.").capitalize()]
    for severity, title in TITLES.items():
        lines = [_line(one) for one in audit.findings if one.severity == severity]
        if lines:
            parts.append("\n".join([f"**{title}**", "", *lines]))
    parts.append(table("lrr", ["", "claimed", "the logs show"], claim_rows(audit)))
    if audit.runs:
        head = run_columns()
        parts.append(table("ll" + "r" * (len(head) - 2), head, run_rows(audit)))
    parts.append("Read from the folder's files alone; nothing in it was executed.")
    return "\n\n".join(parts) + "\n"


def _line(one: Finding) -> Markdown:
    places = ", ".join(code(place) for place in one.evidence[:4])
    return Markdown(f"- {code(one.kind)}: {escaped(one.detail)}{f' ({places})' if places else ''}")
