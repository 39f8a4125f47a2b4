"""Answers of `golf verify` and `golf reproduce` for a terminal; text from a folder is never read as markup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.answers import MARKS, answer_lines
from reports.markdown import one_line
from reports.terminal.summary import STYLES
from runner.results.verdicts import Check


def answers(checks: Sequence[Check], fine: str) -> RenderableType:
    """A line for each answer, then what they amount to; fine: what is said where nothing speaks against it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head in ("", "question", "found", "wanted"):
        table.add_column(head, overflow="fold")
    for line in answer_lines(checks):
        texts = (Text(one_line(text)) for text in (line.title, line.measured, line.limit))
        table.add_row(Text(MARKS[line.status], STYLES[line.status]), *texts)
    return Group(table, Text(), conclusion(checks, fine))


def answer_facts(record: Path, checks: Sequence[Check]) -> dict[str, Any]:
    """The same as plain data: every answer, and what they come to (`wrong`, `open` or `fine`)."""
    statuses = {check.status for check in checks}
    return {
        "record": str(record),
        "conclusion": "wrong" if "fail" in statuses else "open" if "unknown" in statuses else "fine",
        "checks": [check.model_dump(mode="json") for check in checks],
    }


def likeness(checks: Sequence[Check]) -> RenderableType:
    """What `golf reproduce` found: alike only where every question has an answer."""
    if any(check.status == "unknown" for check in checks):
        return answers(checks, "Nothing speaks against it, but whether it is like the record cannot be told.")
    return answers(checks, "Like the record, as far as these questions go.")


def conclusion(checks: Sequence[Check], fine: str) -> Text:
    """What all answers come to: what fails first, then what was not seen."""
    wrong = list(dict.fromkeys(check.title for check in checks if check.status == "fail"))
    open_ones = list(dict.fromkeys(check.title for check in checks if check.status == "unknown"))
    style = STYLES["fail" if wrong else "unknown" if open_ones else "pass"]
    told = Text(f"WRONG: {' '.join(wrong)}" if wrong else fine, style)
    return told.append(f"\nNot checked: {' '.join(open_ones)}", STYLES["unknown"]) if open_ones else told
