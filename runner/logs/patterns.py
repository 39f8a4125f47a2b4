"""Regular expressions that a job brings: run by RE2, whose time grows with a line's length and with nothing else.

A backtracking matcher, such as Python's, tries every way to share a line among repetitions: `.*.*.*` takes the third
power of its length, `(a+)+` doubles with every character, and one line of a stranger's script stops whoever reads it.
RE2 has neither look-ahead nor back-references, which need backtracking.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import cast

import re2

MOST_CHARACTERS = 2_000
"""Of a pattern."""
MOST_MEMORY = 8 << 20
"""Bytes that one pattern may take, compiled and at work."""


class PatternError(ValueError):
    """Why a pattern cannot be used, in words for the author of a job."""


@cache
def bounded_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled; it answers as one of `re` does. PatternError where it is none, or RE2 cannot run it."""
    if len(pattern) > MOST_CHARACTERS:
        raise PatternError(f"has {len(pattern):,} characters; at most {MOST_CHARACTERS:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"is no regular expression: {error or 'nested too deep'}") from None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    try:
        return cast("re.Pattern[str]", re2.compile(pattern, options))
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0]
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(error)
        raise PatternError(
            f"cannot be run in bounded time ({told}); say it without look-ahead, back-references, \\Z, possessive "
            "repetitions, and repetitions of more than 1,000"
        ) from None
