"""The name of the text that was scored, wherever a score stands, unless it is the challenge's own.

Says what the verdict's check found (runner.judge.text_checks); a record of before that check says nothing.
"""

from __future__ import annotations

from reports.markdown import Markdown, escaped, one_line
from runner.results.record import RecordData

MOST_NAME = 60
NOT_THE_CHALLENGES = "not the challenge's text"
NOT_SHOWN = "not shown to be the challenge's text"


def text_mark(data: RecordData) -> str:
    """What a reader must know of the text; empty where it is the challenge's."""
    answers = [check.status for check in data.verdict.checks if check.name == "validation_text"]
    if not answers or answers == ["pass"]:
        return ""
    embedded = (data.job.get("data") or {}).get("corpus") is not None
    return NOT_THE_CHALLENGES if embedded or "fail" in answers else NOT_SHOWN


def other_text(data: RecordData) -> str:
    """`asv-sp1024 (not the challenge's text)`, on one line; empty where it is the challenge's."""
    mark = text_mark(data)
    return f"{one_line(data.data.name)[:MOST_NAME]} ({mark})" if mark else ""


def on_text(data: RecordData, *, mark: bool = True) -> Markdown:
    """` on asv-sp1024 (…)` for a page, to go on with after a score; empty where it is the challenge's.

    mark: whether to say what is the matter with it, or its name alone.
    """
    other = other_text(data) if mark else one_line(data.data.name)[:MOST_NAME]
    return Markdown(f" on {escaped(other)}" if text_mark(data) else "")
