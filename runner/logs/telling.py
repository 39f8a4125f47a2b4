"""The lines of a log that may tell something, picked out of all the others fast: for who reads a log after its run.

A log may hold a hundred million lines that say nothing, and to look at each takes Python minutes. RE2 passes over
them at half a gigabyte a second. How a line begins decides; a test holds that against what the readers know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import re2

from runner.logs.lines import MAX_LINE, LineSplitter

BEGINNINGS = (
    *("model_params:", "world_size:", "seed:", "train_batch_tokens:", "warmup_step:", "step:", "stopping_early:"),
    *("resumed step:", "peak memory allocated:", "code size:", "serialized model ", "total submission size "),
    *("final_", "score rule:", "device:", "python:", "driver:", "nan_loss step:", "forecast at:"),
    *("script_sha256:", "file:", "shards:train ", "val_loader:", "config:"),
)
"""Of the lines that a log of the official dialect, or of our script, tells something with; in any case of letters."""
MOST_LINES = 1_000_000
"""Of one log that are looked at after its run; each takes some microseconds."""


def _compiled() -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a log may hold any bytes
    options.case_sensitive = False
    return re2.compile(rb"[\r\n](?:%s)" % b"|".join(one.encode() for one in BEGINNINGS), options)


_TELLING = _compiled()


def telling(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Of a log in any pieces the lines that begin like one of BEGINNINGS, without their ends and cut at MAX_LINE.

    A line ends as for `LineSplitter`; the last one needs no end.
    """
    rest = b"\n"
    for piece in pieces:
        block = rest + piece
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        yield from _of_block(block[: end + 1])
        rest = block[end:][: MAX_LINE + 1]
    yield from _of_block(rest + b"\n")


def _of_block(block: bytes) -> Iterator[bytes]:
    """Of whole lines with a line's end before the first."""
    for found in _TELLING.finditer(block):
        begin = found.start() + 1
        window = block[begin : begin + MAX_LINE]
        yield window[: min(place for place in (window.find(b"\n"), window.find(b"\r"), len(window)) if place >= 0)]


def every(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All lines, the last one even where nothing ends it."""
    splitter = LineSplitter()
    for piece in pieces:
        yield from (line for line, _ in splitter.feed(piece))
    yield splitter.partial
