"""What findings come to: only what is known to be good lets a job run."""

from __future__ import annotations

import pytest

from runner.doctor.findings import EXIT, Finding, State, facts, outcome


@pytest.mark.parametrize(
    ("needed", "other", "said", "code"),
    [
        ("good", "bad", "could run", 0),
        ("unknown", "good", "not known", 3),
        ("bad", "good", "could not run", 1),
    ],
)
def test_only_what_the_job_needs_decides_and_unknown_is_no_yes(
    needed: State, other: State, said: str, code: int
) -> None:
    found = [Finding("a", "good", "", needed=True), Finding("b", needed, "", needed=True), Finding("c", other, "")]
    assert outcome(found) == said
    assert EXIT[outcome(found)] == code
    assert facts("job", found)["outcome"] == said


def test_what_is_bad_weighs_more_than_what_is_unknown() -> None:
    found = [Finding("a", "unknown", "", needed=True), Finding("b", "bad", "", needed=True)]
    assert outcome(found) == "could not run"


def test_facts_are_plain() -> None:
    assert facts("j", [Finding("disk", "bad", "full", "make room", True)]) == {
        "job": "j",
        "outcome": "could not run",
        "findings": [{"name": "disk", "state": "bad", "found": "full", "advice": "make room", "needed": True}],
    }
