"""One row of the tables of dialects: a literal to look for first, an expression, and an example that must match.

In expressions `INT` stands for a count, with or without commas, `NUM` for a number. Bounded, so that no line makes
them slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WHOLE = r"\d{1,15}(?:,\d{3}){0,5}"
NUMBER = r"[-+]?\d{1,12}(?:\.\d{1,20})?(?:e[-+]?\d{1,3})?"


@dataclass(frozen=True)
class Row:
    """One kind of line."""

    literal: str
    """Stands in every such line, lower case: a cheap first look."""
    regex: re.Pattern[str]
    examples: tuple[str, ...]
    """Lines that it reads, the first of them the usual one; each alternative of the expression is needed by one."""

    @property
    def example(self) -> str:
        """The usual line."""
        return self.examples[0]


def row_of(literal: str, regex: str, *examples: str) -> Row:
    """A row whose expression reads all `examples`."""
    return Row(literal, re.compile(regex.replace("INT", WHOLE).replace("NUM", NUMBER), re.IGNORECASE), examples)


def any_of(*words: str) -> re.Pattern[str]:
    """An expression that finds any of `words` in one pass."""
    return re.compile("|".join(map(re.escape, words)))
