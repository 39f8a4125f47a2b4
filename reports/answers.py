"""The referee's checks folded for reading: answers that agree over seeds share one line.

Nothing is judged here; the worst answer of a question is the one that counts where only one fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runner.listing import MOST, listed, some
from runner.results.frozen import Status
from runner.results.verdicts import Check

MARKS: dict[Status, str] = {"pass": "✓", "fail": "✗", "unknown": "?"}
NUMBER = re.compile(r"(-?[\d,]+(?:\.\d+)?) (\S+)")
WORST_FIRST: tuple[Status, ...] = ("fail", "unknown", "pass")


@dataclass(frozen=True)
class AnswerLine:
    """One question with one answer, for all of its seeds or for those named in `measured`."""

    name: str
    title: str
    status: Status
    required: bool
    measured: str
    limit: str

    @property
    def result(self) -> str:
        """Mark and word, e.g. `✓ pass`."""
        return f"{MARKS[self.status]} {self.status}" + ("" if self.required else " (not required)")


def answer_lines(checks: Sequence[Check]) -> list[AnswerLine]:
    """One line per question and answer, in the order of the checks."""
    groups: dict[tuple[object, ...], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.name, check.status, check.required), []).append(check)
    asked: dict[str, int] = {}
    for check in checks:
        asked[check.name] = asked.get(check.name, 0) + 1
    return [
        AnswerLine(
            name=group[0].name,
            title=group[0].title,
            status=group[0].status,
            required=group[0].required,
            measured=_measured(group, named=len(group) < asked[group[0].name]),
            limit=", ".join(dict.fromkeys(check.limit for check in group)),
        )
        for group in groups.values()
    ]


def worst_lines(checks: Sequence[Check]) -> list[AnswerLine]:
    """One line per question: its worst answer, with the seeds that gave it."""
    worst = worst_statuses(checks)
    return [line for line in answer_lines(checks) if line.status == worst[line.name]]


def open_questions(checks: Sequence[Check]) -> list[str]:
    """Titles of what the track requires and nobody knows, once each."""
    lines = [line for line in worst_lines(checks) if line.required and line.status == "unknown"]
    return list(dict.fromkeys(line.title for line in lines))


def worst_statuses(checks: Sequence[Check]) -> dict[str, Status]:
    """Each check's worst answer over its seeds."""
    worst: dict[str, Status] = {}
    for check in checks:
        known = worst.get(check.name, "pass")
        worst[check.name] = min(known, check.status, key=WORST_FIRST.index)
    return worst


def notes(checks: Sequence[Check]) -> list[str]:
    """What must be said beside answers that are pass: the question and what its answer does not show, once each."""
    return list(dict.fromkeys(f"{check.title} {check.note}" for check in checks if check.note))


def _range(values: Sequence[str]) -> str:
    """The least and the greatest of many values of one unit; the first few where they are no such numbers."""
    numbers = [NUMBER.fullmatch(value) for value in values]
    if all(numbers) and len({found[2] for found in numbers if found}) == 1:
        ordered = sorted(values, key=lambda value: float(value.split(" ")[0].replace(",", "")))
        return f"{ordered[0].rpartition(' ')[0]} to {ordered[-1]} ({len(values):,} seeds)"
    return some(list(dict.fromkeys(values)), " / ")


def _measured(group: Sequence[Check], named: bool) -> str:
    """What was measured: once if it is the same everywhere, with its seeds where these are only some."""
    values = [check.measured for check in group]
    if len(set(values)) == 1:
        seeds = listed(check.seed for check in group if check.seed is not None)
        return f"{values[0]} (seed {seeds})" if named and seeds else values[0]
    if named:
        return some([f"{check.measured} (seed {check.seed})" for check in group], ", ")
    if len(values) > MOST:
        return _range(values)
    units = {value.rpartition(" ")[2] for value in values}
    if len(units) == 1 and all(" " in value for value in values):
        return " / ".join(value.rpartition(" ")[0] for value in values) + f" {units.pop()}"
    return " / ".join(values)
