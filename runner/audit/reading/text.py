"""Lines of somebody's text file: any of the usual encodings, streamed, every line bounded.

Understands byte-order marks and UTF-16 without one, carriage returns of progress bars, terminal colours, and the
prefixes that launchers and clocks put before each line; lines of ranks other than 0 are left out. Knows no
dialect of logs.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from runner.untrusted import opened

CHUNK = 1 << 18
MOST_LOG_BYTES = 24 << 20
"""Of a text that is read line by line; what follows is left out. A log of the contest has some 100 kB."""
MAX_LINE = 1 << 14
"""Characters of a line that are read; no line with a fact is longer."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PREFIX = re.compile(
    r"^\s{0,8}(?:"
    r"\[(?i:default|rank:?|local_rank:?)\s?(?P<rank>\d{1,4})\]:?\s?"
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t:|-]{0,4}"
    r"(?:\[?(?:INFO|DEBUG|WARNING)\]?[ \t:|-]{1,4})?"
    r"|\[\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?\]\s{0,8}|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\s{1,8}(?:[|-]\s)?"
    r"|1\d{9}(?:\.\d{1,9})?\s{1,8}"
    r"|\((?:\w{1,40} )?pid=\d{1,9}(?:, ip=[\d.]{7,15})?\)\s"
    r")"
)


def encoding_of(head: bytes) -> str:
    """The encoding that a file's first bytes speak for; UTF-8 where they don't say."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    even, odd = head[0:4096:2], head[1:4096:2]
    if len(odd) > 8:
        if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.1 * len(even):
            return "utf-16-le"
        if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.1 * len(odd):
            return "utf-16-be"
    return "utf-8"


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of each line; a carriage return starts another text of the same line.

    Ends after MOST_LOG_BYTES.
    """
    with opened(path) as handle:
        head = handle.read(CHUNK)
        decoder = codecs.getincrementaldecoder(encoding_of(head))(errors="replace")
        number, rest, cut = 1, "", False
        data = head
        while data:
            *whole, rest_of_chunk = (rest + decoder.decode(data)).split("\n")
            for text in whole:
                if not cut:
                    yield from _parts(number, text)
                number, cut = number + 1, False
            rest = rest_of_chunk
            if len(rest) > MAX_LINE:  # what follows of this line is never needed
                if not cut:
                    yield from _parts(number, rest)
                rest, cut = "", True
            data = handle.read(CHUNK) if handle.tell() < MOST_LOG_BYTES else b""
        if not cut:
            yield from _parts(number, rest + decoder.decode(b"", final=True))


def _parts(number: int, text: str) -> Iterator[tuple[int, str]]:
    for part in text[:MAX_LINE].split("\r"):
        if part and not part.isspace():
            line = bare(part.lstrip("\ufeff"))
            if line:
                yield number, line


def bare(text: str) -> str:
    """`text` without colours and launchers' prefixes; empty for a line of a rank other than 0."""
    if "\x1b" in text:
        text = COLOURS.sub("", text)
    for _ in range(3):  # launchers wrap each other
        match = None if text[:1].isalpha() else PREFIX.match(text)  # most lines begin with a letter, and no prefix
        if match is None:
            break
        if (match["rank"] or "0").strip("0"):
            return ""
        text = text[match.end() :]
    return text.rstrip()


def read_text(path: Path, limit: int) -> str:
    """A whole small file, decoded; what lies beyond `limit` bytes is left out."""
    with opened(path) as handle:
        data = handle.read(limit)
    return data.decode(encoding_of(data), "replace").lstrip("\ufeff")
