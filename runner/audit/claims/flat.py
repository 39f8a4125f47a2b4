"""A JSON document as (path, value) pairs, and numbers looked up in it by key; bounded in depth and number.

Objects that speak of other runs than the submitted one, and of single seeds, are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.audit.claims.shown import Shown, number_in
from runner.audit.claims.submission_keys import ELSEWHERE, SEED_KEY, TIED

MOST_VALUES = 20_000


@dataclass
class Flat:
    """The JSON as (path, value) pairs."""

    pairs: list[tuple[tuple[str, ...], Any]] = field(default_factory=list)

    def first(self, names: Sequence[str]) -> Shown | None:
        """The first number under one of `names`: top level before deeper, an earlier name before a later."""
        for depth in range(1, 5):
            for name in names:
                for path, value in self.pairs:
                    if len(path) == depth and path[-1] == name and not about_others(path[:-1]):
                        number = number_in(value, place(path))
                        if number is not None:
                            return number
        return None

    def of_object(self, names: Sequence[str], parts: Sequence[str]) -> Shown | None:
        """The number under one of `parts` of an object that stands where a number is wanted, at the top."""
        for name in names:
            for part in parts:
                for path, value in self.pairs:
                    if path == (name, part) and (number := number_in(value, place(path))) is not None:
                        return number
        return None

    def like(self, pattern: re.Pattern[str], without: re.Pattern[str]) -> Shown | None:
        """The first number under a key that looks right, the outermost first."""
        for depth in range(1, 5):
            for path, value in self.pairs:
                fits = len(path) == depth and pattern.search(path[-1]) and not without.search(path[-1])
                if fits and not about_others(path[:-1]) and not ELSEWHERE.search(path[-1]):
                    number = number_in(value, place(path))
                    if number is not None:
                        return number
        return None

    def all(
        self, names: Sequence[str], like: re.Pattern[str] | None = None, without: re.Pattern[str] = TIED
    ) -> tuple[Shown, ...]:
        """Every number that speaks of the submitted run as a whole, under one of `names` or a key `like` them."""
        found = (
            number_in(value, place(path))
            for path, value in self.pairs
            if (path[-1] in names or (like is not None and like.search(path[-1]) and not without.search(path[-1])))
            and not about_others(path[:-1])
        )
        return tuple(number for number in found if number is not None)


def place(path: tuple[str, ...]) -> str:
    """Where a value stands, for people."""
    return f"submission.json:{'.'.join(path)}"


def about_others(path: tuple[str, ...]) -> bool:
    return any(ELSEWHERE.search(part) or part.isdigit() or (SEED_KEY.match(part) and part != "seed") for part in path)


def plain_key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:80]


def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Scalars with their paths, at most some thousands; keys in plain lower case."""
    stack: list[tuple[tuple[str, ...], Any]] = [(path, value)]
    seen = 0
    while stack and seen < MOST_VALUES:
        where, now = stack.pop()
        seen += 1
        if isinstance(now, dict):
            children = [((*where, plain_key(str(key))), child) for key, child in now.items()]
        elif isinstance(now, list):
            children = [((*where, str(index)), child) for index, child in enumerate(now)]
        else:
            if where:
                yield where, now
            continue
        stack.extend(reversed(children if len(where) < 8 else []))
