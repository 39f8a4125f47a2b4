"""What was found of one thing that a run needs or would like, and what all of it comes to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["good", "bad", "unknown"]
Outcome = Literal["could run", "could not run", "not known"]
EXIT: dict[Outcome, int] = {"could run": 0, "could not run": 1, "not known": 3}


@dataclass(frozen=True)
class Finding:
    """One thing, as it is here."""

    name: str
    state: State
    found: str
    """In words."""
    advice: str = ""
    """What to do about it; empty where it is good, or nothing can be done."""
    needed: bool = False
    """Whether the job could not run without it."""


def outcome(findings: Sequence[Finding]) -> Outcome:
    """Whether the job could run: only where everything that it needs is known to be good."""
    states = {finding.state for finding in findings if finding.needed}
    return "could not run" if "bad" in states else "not known" if "unknown" in states else "could run"


def facts(job: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """The same as plain data."""
    return {"job": job, "outcome": outcome(findings), "findings": [asdict(finding) for finding in findings]}
