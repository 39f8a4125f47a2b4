"""Numbers that a log, a source or a job calls the length of a sequence, a window or a stride.

They say which parts of a text a script may score; each is only tried, so a wrong one does no harm. Bounded: a text
may name thousands.
"""

from __future__ import annotations

import re

MOST = 16
"""Numbers of one kind that are kept."""
_TO_NUMBER = r"\w{0,24}[\"']?\s{0,4}(?::\s{0,4}int\s{0,4}=|[:=,])\s{0,4}[\"']?(\d{1,7})(?![\w.])"
LENGTH = re.compile(rf"(?:seq_?len|ctx_?len|context|window|block_?size|chunk){_TO_NUMBER}", re.IGNORECASE)
STRIDE = re.compile(rf"stride{_TO_NUMBER}", re.IGNORECASE)
LOADED = re.compile(r"^val_loader:.{0,400}?\btokens:(\d{1,18})\b|\bval_tokens\s?[:=]\s?(\d{1,18})\b", re.IGNORECASE)
"""How the official script says how many validation tokens it loaded."""
COUNTED = tuple(re.compile(rf"(?<!\w){name}[:=]\s?(\d{{1,18}})(?![\w.])") for name in ("tokens", "bytes"))
"""How a line with a score says what it covers."""


def add_new(known: list[int], text: str, pattern: re.Pattern[str]) -> None:
    """Put the numbers that a pattern finds behind those that are known."""
    for found in pattern.findall(text):
        if len(known) >= MOST:
            return
        if int(found) > 0 and int(found) not in known:
            known.append(int(found))


def loaded_tokens(line: str) -> int | None:
    """Validation tokens that a line says were loaded."""
    found = LOADED.search(line)
    return None if found is None else int(found[1] or found[2])


def counted_on(line: str) -> tuple[int | None, int | None]:
    """(tokens, bytes) that a line with a score says it covers; one alone may be anything and is not believed."""
    tokens, size = (pattern.search(line) for pattern in COUNTED)
    return (int(tokens[1]), int(size[1])) if tokens and size else (None, None)
