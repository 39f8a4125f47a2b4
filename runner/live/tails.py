"""What the end of a log says, and its losses, read on as the log grows: a look at it costs what is new.

The log's claims, nothing else. Of a long log that is met for the first time the end alone is read.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from runner.logs.lines import LineSplitter
from runner.logs.log_facts import LogReader
from runner.logs.loss_curves import losses_told, thinned

TAIL_BYTES = 256 << 10
"""Of a log that is met for the first time, as much is read."""
MOST_NEW = 4 << 20
"""Of what is new since the last look, as much is read; of more, the end."""
MOST_LOGS = 256
"""Logs that are remembered, those that were looked at last."""
MOST_POINTS = 200
"""Losses that are kept of one log; of more, evenly taken ones."""


@dataclass(frozen=True)
class Told:
    """What a log says so far."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """Those of runner.logs.log_facts."""
    losses: Mapping[int, float] = field(default_factory=dict)
    """Step -> training loss."""


@dataclass
class Tail:
    """How far a log was read, and what was found."""

    inode: int
    read: int = 0
    reader: LogReader = field(default_factory=LogReader)
    losses: dict[int, float] = field(default_factory=dict)
    lines: LineSplitter = field(default_factory=LineSplitter)

    def feed(self, data: bytes, own: Sequence[re.Pattern[str]]) -> None:
        """Take the next bytes."""
        for line, _ in self.lines.feed(data):
            text = line.decode("utf-8", "replace")
            self.reader.claim(text)
            for told in losses_told(text, own[0] if own else None):
                if told.kind == "train":
                    self.losses[told.step] = told.loss
        if len(self.losses) > 2 * MOST_POINTS:
            self.losses = thinned(self.losses, MOST_POINTS)


_known: OrderedDict[Path, Tail] = OrderedDict()
_lock = threading.Lock()


def told_by(path: Path, own: Sequence[re.Pattern[str]] = ()) -> Told:
    """What a log says as it stands now; nothing where there is none.

    own: how somebody else's script writes a step (runner.job.external_script), at most one pattern.
    """
    with _lock:
        try:
            with path.open("rb") as file:
                tail = _read_on(path, file, own)
        except OSError:
            _known.pop(path, None)
            return Told()
        return Told(dict(tail.reader.facts), dict(tail.losses))


def _read_on(path: Path, file: IO[bytes], own: Sequence[re.Pattern[str]]) -> Tail:
    """The tail of an open log; another file in its place, or a shorter one, is read anew."""
    state = os.fstat(file.fileno())
    tail = _known.get(path)
    if tail is None or tail.inode != state.st_ino or tail.read > state.st_size:
        begin = max(0, state.st_size - TAIL_BYTES)
        tail = _known[path] = Tail(state.st_ino, begin, LogReader(own=tuple(own)))
    _known.move_to_end(path)
    while len(_known) > MOST_LOGS:
        _known.popitem(last=False)
    tail.read = max(tail.read, state.st_size - MOST_NEW)
    file.seek(tail.read)
    data = file.read(max(0, state.st_size - tail.read))
    tail.read += len(data)
    tail.feed(data, own)
    return tail
