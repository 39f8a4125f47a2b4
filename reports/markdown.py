"""Pieces of GitHub markdown from text that may be hostile: escaped words, code, fences, tables.

Whatever is not already a `Markdown` is escaped on its way into a page, so forgetting costs looks, not safety.
Knows no record; lays out no page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# As entities where a backslash is not enough: HTML, table cells, mentions, GitHub's $math$.
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "&#64;", "$": "&#36;"}
BACKSLASHED = "\\`*[]~"
# What opens a list, a heading, a rule or a table at the start of a line.
LINE_START = re.compile(r"^(?=[-+](?:\s|$)|--|[=#])|^(\d+)(?=[.)](?:\s|$))")
LONE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


class Markdown(str):
    """Text that is markdown already."""

    __slots__ = ()


MOST_CHARACTERS = 2_000
"""Of a text that goes into a line; a script can print a name of 50 kB."""


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and invisible direction marks; runs of blanks become one. What
    is longer than a page's line may be is cut."""
    if len(text) <= MOST_CHARACTERS and text.isascii() and text.isprintable() and text == " ".join(text.split()):
        return text  # as most are, and a page has tens of thousands
    visible = (char for char in text if unicodedata.category(char) not in ("Cf", "Cs"))
    line = " ".join("".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in visible).split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"


def escaped(text: object) -> Markdown:
    """`text` so that markdown shows it as it is, on one line; `Markdown` passes unchanged."""
    if isinstance(text, Markdown):
        return text
    return line_start(fragment(one_line(str(text))))


def fragment(text: str) -> Markdown:
    """A part of a line so that markdown shows it as it is; what only a line's start can mean is `line_start`'s."""
    line = "".join(ENTITIES.get(char) or (f"\\{char}" if char in BACKSLASHED else char) for char in text)
    return Markdown(LONE_UNDERSCORE.sub(r"\\_", line))


def line_start(line: str) -> Markdown:
    """A line whose start opens no list, heading, rule or table."""
    return Markdown(LINE_START.sub(lambda match: f"{match.group(1) or ''}\\", line))


def code(text: object) -> Markdown:
    """An inline code span that holds any backticks; a table cell takes it too."""
    line = one_line(str(text)) or " "
    fence = "`" * (longest_run("`", line) + 1)
    space = " " if line[0] == "`" or line[-1] == "`" else ""
    return Markdown(f"{fence}{space}{line}{space}{fence}")


def fenced(text: str, language: str = "text") -> Markdown:
    """A code block of any lines, its fence longer than any inside. language: of its lines, a plain word."""
    lines = [
        "".join(char for char in line if char == "\t" or unicodedata.category(char)[0] != "C")
        for line in text.splitlines()
    ]
    fence = "`" * max(3, longest_run("`", text) + 1)
    return Markdown("\n".join([f"{fence}{language}", *lines, fence]))


def longest_run(char: str, text: str) -> int:
    """How often `char` stands in a row at most."""
    return max((len(run) for run in re.findall(f"{re.escape(char)}+", text)), default=0)


def table(align: str, header: Sequence[object], rows: Sequence[Sequence[object]]) -> Markdown:
    """A table; `align` holds `l` or `r` for each column."""
    rule = [Markdown("---:" if side == "r" else "---") for side in align]
    lines = [_row(header), _row(rule), *(_row(row) for row in rows)]
    return Markdown("\n".join(lines))


def _row(cells: Sequence[object]) -> str:
    # A pipe ends a cell even inside a code span, unless it is escaped.
    return "| " + " | ".join(escaped(cell).replace("|", "\\|") for cell in cells) + " |"
