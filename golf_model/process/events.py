"""Phases announced to the referee: one JSON line on its pipe and one line in the log.

The pipe is the referee's clock, so a line goes out unbuffered the moment it is announced. A missing or
closed pipe never stops a run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from golf_model.process.runlog import RunLog


class Events:
    """Announces from rank 0 only; `path` is a FIFO that somebody reads, or None."""

    def __init__(self, path: Path | None, log: RunLog, *, is_main: bool) -> None:
        self.path = path if is_main else None
        self.log = log
        self._pipe: int | None = None

    def announce(self, name: str) -> None:
        """Send `{"event": name}` (shorter than PIPE_BUF, hence whole) and log `event:<name>`."""
        if self.path is not None:
            try:
                if self._pipe is None:
                    # Non-blocking: without a reader the open fails at once instead of waiting for one.
                    self._pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
                os.write(self._pipe, json.dumps({"event": name}).encode() + b"\n")
            except OSError as error:
                self.log.line(f"event_pipe_unavailable:{name} {error.strerror}")
        self.log.line(f"event:{name}")
