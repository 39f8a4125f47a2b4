"""SIGINT, SIGTERM and SIGHUP: one of them ends the command, once, and lets it clean up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
INTERRUPTED = 130
"""Exit code."""

stopped: list[int] = []
"""The signal that stopped us: Ray's own code may turn `Interrupted` into another exception on its way up."""


class Interrupted(BaseException):
    """A signal arrived; not KeyboardInterrupt, which the command-line library turns into exit code 1."""


def _stop(number: int, frame: FrameType | None) -> None:
    for name in SIGNALS:
        signal.signal(name, signal.SIG_IGN)  # one is enough: cleaning up must not be cut short
    stopped.append(number)
    raise Interrupted


@contextmanager
def beside_others() -> Iterator[None]:
    """While somebody else's code starts that handles signals by exiting with their number, as Ray's does."""
    try:
        yield
    except SystemExit as exit:
        if exit.code not in (signal.SIGINT, signal.SIGTERM):
            raise
        stopped.append(exit.code)
        raise Interrupted from None
    catch_signals()


def catch_signals() -> None:
    """Raise `Interrupted` on the first signal; a terminal that goes is one, unless nohup has it ignored."""
    for name in SIGNALS:
        if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN:
            signal.signal(name, _stop)
