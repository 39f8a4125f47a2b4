"""An audit as a review comment in GitHub markdown, ready to paste: verdict, findings, what was not looked at.

At most ten findings are listed, the gravest first; each names its places. Text from the folder is escaped.
"""

from __future__ import annotations

from reports.audit.words import claim_rows, run_columns, run_rows, verdict
from reports.markdown import Markdown, code, escaped, table
from runner.audit.facts import Audit, Finding
from runner.listing import counted

TITLES = {"error": "Errors", "warn": "Warnings", "info": "Notes"}
MOST_FINDINGS = 10
MOST_RUNS = 12
MOST_PLACES = 3


def markdown_audit(audit: Audit) -> str:
    """The whole comment, with a newline at its end."""
    name = audit.folder.rstrip("/").rpartition("/")[2] or audit.folder
    parts = [f"### Audit of {code(name)}", f"**{escaped(verdict(audit))}**"]
    told = (*audit.findings, *audit.notes)
    shown = told[:MOST_FINDINGS]
    for severity, title in TITLES.items():
        lines = [_line(one) for one in shown if one.severity == severity]
        if lines:
            parts.append("\n".join([f"**{title}**", "", *lines]))
    if len(told) > len(shown):
        parts.append(f"… and {counted(len(told) - len(shown), 'finding')} of less weight; `golf audit` lists all.")
    parts.append(table("lrr", ["", "claimed", "the logs show"], claim_rows(audit)))
    if audit.runs:
        head = run_columns()
        parts.append(table("ll" + "r" * (len(head) - 2), head, run_rows(audit)[:MOST_RUNS]))
        if len(audit.runs) > MOST_RUNS:
            parts.append(f"… and {counted(len(audit.runs) - MOST_RUNS, 'run')} more.")
    whys = dict.fromkeys(run.final_metric_why for run in audit.runs if run.role == "primary" and run.final_metric_why)
    parts += [f"Which line is the score: {escaped(why)}." for why in whys]
    parts.append(escaped(NOT_LOOKED_AT))
    return "\n\n".join(parts) + "\n"


NOT_LOOKED_AT = (
    "Read from the folder's files alone, and nothing in it was executed. Not looked at: whether the "
    "program does what the rules "
    "allow, whether it produces these logs, what its artifact weighs, and whether the validation text "
    "leaks into training."
)


def _line(one: Finding) -> Markdown:
    places = ", ".join(code(place) for place in one.evidence[:MOST_PLACES])
    more = f" and {len(one.evidence) - MOST_PLACES} more" if len(one.evidence) > MOST_PLACES else ""
    return Markdown(f"- {code(one.kind)}: {escaped(one.detail)}{f' ({places}{more})' if places else ''}")
