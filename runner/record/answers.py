"""Answers of `golf verify` and `golf reproduce`: one question each, with what was found and what was wanted.

`Findings` collects, for one question, every place at which a record's results say something other than what else in
the record says of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from runner.printable import cut
from runner.results.frozen import Status
from runner.results.verdicts import Check

SHOWN = 4
"""Names that an answer gives; the others are counted."""
LAST_BITS = 1e-9
"""Relative distance of two floats that may be of one calculation."""


def answer(name: str, title: str, status: Status, measured: str, limit: str, seed: int | None = None) -> Check:
    """One answer of `golf verify`; all are asked for, so all are required."""
    return Check(name=name, title=title, status=status, required=True, seed=seed, measured=measured, limit=limit)


def said(names: Sequence[str], fine: str, between: str = ", ") -> str:
    """The first names of what is wrong, or that nothing is."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{between.join(names[:SHOWN])}{more}" if names else fine


def is_pass(fine: bool) -> Status:
    """pass or fail."""
    return "pass" if fine else "fail"


def plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def alike(one: object, other: object) -> bool:
    """Whether two values of JSON are the same, but for the last bits of floats."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float | int) and isinstance(other, float | int):
        return one == other or math.isclose(one, other, rel_tol=LAST_BITS) or (one != one and other != other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(*pair) for pair in zip(one, other, strict=True))
    return one == other


def differences(where: str, stored: object, other: object) -> list[tuple[str, object, object]]:
    """(place, stored, other) of every innermost place at which two values of JSON differ."""
    if alike(stored, other):
        return []
    if isinstance(stored, dict) and isinstance(other, dict):
        found = []
        for name in dict.fromkeys([*stored, *other]):
            found += differences(f"{where}.{name}", stored.get(name), other.get(name))
        return found
    if isinstance(stored, list) and isinstance(other, list) and len(stored) == len(other):
        pairs = enumerate(zip(stored, other, strict=True))
        return [one for index, (ours, theirs) in pairs for one in differences(f"{where}.{index}", ours, theirs)]
    return [(where, stored, other)]


def shown(value: object) -> str:
    """A value in a few characters."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{len(value)} entries"
    return cut(str(value), 60)


@dataclass
class Findings:
    """Everything that was compared for one question."""

    name: str
    title: str
    limit: str
    """What the results are held against."""
    wrong: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    """What differs, and may do so because another golf made the record."""
    unread: list[str] = field(default_factory=list)
    """What was not looked at, because there is too much of it."""
    compared: int = 0
    nothing: str = "nothing to compare"
    """Said where nothing was compared."""

    def same(self, where: str, stored: object, other: object, source: str, *, sure: bool = True) -> None:
        """Compare a value at a place of results.json with the same by another `source`; each difference is told.

        sure: whether a difference cannot come of another golf.
        """
        self.compared += 1
        for place, ours, theirs in differences(where, plain(stored), plain(other)):
            told = f"{cut(place, 80)} is {shown(ours)}, by {source} {shown(theirs)}"
            (self.wrong if sure else self.doubtful).append(told)

    def require(self, fine: bool, told: str) -> None:
        """Something that cannot be otherwise; told: what is wrong where it is."""
        self.compared += 1
        if not fine:
            self.wrong.append(cut(told, 200))

    def check(self) -> Check:
        """fail where something is wrong, unknown where something is doubtful or not read, or nothing was compared."""
        if self.wrong:
            return answer(self.name, self.title, "fail", said(self.wrong, "", "; "), self.limit)
        if self.doubtful:
            told = f"{said(self.doubtful, '', '; ')}: another golf made this record, and may have said so"
            return answer(self.name, self.title, "unknown", told, self.limit)
        if self.unread:
            return answer(self.name, self.title, "unknown", said(self.unread, "", "; "), self.limit)
        if not self.compared:
            return answer(self.name, self.title, "unknown", self.nothing, self.limit)
        return answer(self.name, self.title, "pass", f"{self.compared:,} compared", self.limit)
