"""What is printed reaches a terminal of any encoding: signs that it does not know are spelled out, never dropped.

A sign never becomes a question mark, which in our tables means unknown.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

HANDLER = "golf.spelled"
SPELLED = {
    "✓": "+",
    "✗": "x",
    "±": "+-",
    "×": "x",
    "·": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "│": "|",
    "─": "-",
    "━": "-",
    "’": "'",
    "²": "^2",
    "\N{REPLACEMENT CHARACTER}": "#",
}


def spelled(char: str) -> str:
    """A character in ASCII: by its like, by the letter that it is made from, or by its number."""
    plain = SPELLED.get(char) or unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return plain or char.encode("ascii", "backslashreplace").decode()


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(spelled, error.object[error.start : error.end])), error.end


def print_in_any_encoding() -> None:
    """Let this process print whatever its streams' encoding is."""
    codecs.register_error(HANDLER, _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)
