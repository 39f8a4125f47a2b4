"""What `golf verify` and `golf reproduce` say at the end: an open question is never told as a likeness."""

from __future__ import annotations

import pytest
from rich.console import Console

from reports.terminal.summary import STYLES
from reports.terminal.verify import conclusion, likeness
from runner.results.frozen import Status
from runner.results.verdicts import Check


def asked(*statuses: Status) -> list[Check]:
    return [
        Check(name=f"n{number}", title=f"Q{number}?", status=status, required=True, measured="m", limit="l")
        for number, status in enumerate(statuses)
    ]


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (("pass", "pass"), "Like the record, as far as these questions go."),
        (("pass", "unknown"), "Nothing speaks against it, but whether it is like the record cannot be told."),
        (("unknown", "fail"), "WRONG: Q1?"),
    ],
)
def test_a_run_is_like_its_record_only_where_every_question_is_answered(
    statuses: tuple[Status, ...], said: str
) -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(likeness(asked(*statuses)))
    output = capture.get()
    assert said in output
    assert ("Like the record" in output) is (set(statuses) == {"pass"})
    assert ("Not checked: " in output) is ("unknown" in statuses)


def test_the_last_line_has_the_colour_of_the_worst_answer() -> None:
    for statuses in (("pass",), ("pass", "unknown"), ("unknown", "fail")):
        assert conclusion(asked(*statuses), "fine").style == STYLES[statuses[-1]]
