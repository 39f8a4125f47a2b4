"""The written rule: one table, the same in the code and on the page."""

from __future__ import annotations

from runner.audit.severity import RULES, finding
from tests.fixtures.places import DOCS

PAGE = DOCS / "audit.md"


def test_the_page_shows_the_rule() -> None:
    rows = [
        f"| `{kind}` | {severity} | {words} |" for kind, lines in RULES.items() for severity, words in lines.values()
    ]
    shown = [line for line in PAGE.read_text().splitlines() if line.startswith("| `") and line.count("|") == 4]
    assert [line for line in shown if line.split("`")[1] in RULES] == rows


def test_a_finding_has_the_severity_of_its_condition() -> None:
    found = finding("over_cap", "other", "16,155,345 bytes", "a.log:3", "a.log:3", "")
    assert (found.severity, found.evidence) == ("info", ("a.log:3",))
