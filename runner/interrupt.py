"""SIGINT and SIGTERM: one of them ends the command, once, and lets it clean up."""

from __future__ import annotations

import signal
from types import FrameType

INTERRUPTED = 130
"""Exit code."""

stopped: list[int] = []
"""The signal that stopped us: Ray's own code may turn `Interrupted` into another exception on its way up."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived; not KeyboardInterrupt, which the command-line library turns into exit code 1."""


def _stop(number: int, frame: FrameType | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # one is enough: cleaning up must not be cut short
    stopped.append(number)
    raise Interrupted


def catch_signals() -> None:
    """Raise `Interrupted` on the first signal. Ray installs handlers of its own: say this again after its start."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _stop)
