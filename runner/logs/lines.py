"""Bytes of a log to its lines, in any pieces: a line ends with a newline, a carriage return, or both in this order.

A progress bar goes back to the beginning of its line by a carriage return, so each state of it is a line, which the
next one writes over. Of a line longer than MAX_LINE the beginning is kept, so memory does not grow. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_LINE = 1 << 16
"""Bytes of a line that anybody looks at."""
END = re.compile(rb"\r\n|\r|\n")


class LineSplitter:
    """Feed it bytes as they come."""

    def __init__(self) -> None:
        self.partial = b""
        """The beginning of a line that has not ended."""
        self.over = False
        """Whether that line writes over the one before it."""
        self.returned = False
        """Whether the last byte was a carriage return, to which a newline would belong."""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Lines that end in `data`, without their ends, each with whether it writes over the one before it."""
        if self.returned and data:
            self.returned, self.over = False, not data.startswith(b"\n")
            data = data if self.over else data[1:]
        begin = 0
        for end in END.finditer(data):
            line, over = self.partial + data[begin : min(end.start(), begin + MAX_LINE)], self.over
            begin = end.end()
            alone = end[0] == b"\r"
            self.partial, self.returned = b"", alone and begin == len(data)
            self.over = alone and not self.returned
            yield line[:MAX_LINE], over
        self.partial += data[begin : begin + MAX_LINE - len(self.partial)]
