"""What a script printed, made fit to be shown: no escape reaches a terminal, no control character a report.

Names that golf itself is given and prints are no such text: one with a control character is refused (`control_in`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = dict.fromkeys([*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)], "\N{REPLACEMENT CHARACTER}")
"""C0 and C1 controls but for tab and line's end."""
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""What turns the direction of writing, so that a name is shown as another."""
MOST_WORD = 300
LONG_WORD = re.compile(rf"\S{{{MOST_WORD + 1},}}")
"""What somebody gave as one word, and what stands around it in a message."""


def printable(text: str) -> str:
    """The text with every control character replaced; a carriage return at its end belongs to the line's end."""
    return text if text.isprintable() else text.rstrip("\r").translate(SHOWN)


def printable_bytes(line: bytes) -> bytes:
    """The same for a line of a log, with its end."""
    return printable(line.decode("utf-8", "replace").replace("\r\n", "\n")).encode()


def cut(text: str, most: int = 120) -> str:
    """Text from outside for a message: printable, on one line, not longer than `most` characters."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def shortened(text: str) -> str:
    """A message in which no word is longer than MOST_WORD characters: whoever typed it knows how it goes on."""
    return LONG_WORD.sub(lambda word: f"{word[0][: MOST_WORD - 3]}...", text)


def print_line(console: Console, line: str) -> None:
    """Print a line as it is: nothing in it is markup or gets a colour, and no end of line is put into it."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def control_in(text: str) -> str:
    """The first character by which one line could be taken for two, or for another: `U+000A`; '' where there is none.

    Controls, line and paragraph separators, what turns the direction of writing, and bytes that are no text.
    """
    if text.isascii() and text.isprintable():
        return ""
    return next((f"U+{ord(char):04X}" for char in text if _misleads(char)), "")


def _misleads(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in TURNS
