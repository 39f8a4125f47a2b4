"""Regular expressions that a job brings: none that could take for ever on one line of a log.

A line that almost fits makes a backtracking matcher try every way to share it among repetitions. Where one stands
inside another, or a choice does, the ways double with every character, and one line stops the run. What is left is
bounded by the length of the lines that are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONG = 64
"""A repetition that may be longer than this counts as endless."""


def runs_away(pattern: str) -> bool:
    """Whether an endless repetition holds a repetition of no fixed length, or a choice. re.error for no pattern."""
    re.compile(pattern)
    return _runs_away(parser.parse(pattern), endless=False)


def _runs_away(parsed: Iterable[tuple[Any, Any]], *, endless: bool) -> bool:
    return any(_part_runs_away(code, argument, endless) for code, argument in parsed)


def _part_runs_away(code: Any, argument: Any, endless: bool) -> bool:
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        least, most, inner = argument
        return (endless and most != least) or _runs_away(inner, endless=endless or most > LONG)
    if code is codes.BRANCH:
        return endless or any(_runs_away(inner, endless=False) for inner in argument[1])
    if code is codes.SUBPATTERN:
        return _runs_away(argument[-1], endless=endless)
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return _runs_away(argument[1], endless=False)
    if code is codes.ATOMIC_GROUP:
        return _runs_away(argument, endless=False)
    if code is codes.POSSESSIVE_REPEAT:
        return _runs_away(argument[2], endless=False)
    if code is codes.GROUPREF_EXISTS:
        return any(_runs_away(inner, endless=endless) for inner in argument[1:] if inner is not None)
    return False
