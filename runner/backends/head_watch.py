"""A driver whose cluster has lost its head ends with a word of what to do, instead of as Ray ends it.

Without its head node Ray's calls block, signals are not seen while they do, and after a minute Ray ends the process
with an exit code that would mean a verdict. So a thread of ours looks whether anybody listens there. All that the
driver knows is on disk; it ends as if it had been killed, which a run survives.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

from runner.backends.endpoint_probe import reacts
from runner.backends.watching import watching

EVERY_S = 2.0
LOST_S, LEAST_LOST_S = 30.0, 5.0
"""Silence after which the head is lost; Ray ends the driver after 60 s of it. A network has hiccups of the second."""
USER_ERROR = 2


def answers(address: str, patience: float = 5.0) -> bool:
    """Whether somebody who is awake listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        return reacts(host.strip("[]"), int(port), patience)
    except OSError:
        return False


def patience(stall: float) -> float:
    """How long a head may be silent in a job that allows so much silence; 0 allows any."""
    return min(LOST_S, max(LEAST_LOST_S, stall)) if stall else LOST_S


@contextlib.contextmanager
def head_watched(address: str, again: str, every: float = EVERY_S, lost: float = LOST_S) -> Iterator[None]:
    """While the context lasts, end this process if nobody has answered at the head's `address` for `lost` seconds.

    address: host:port of the cluster's control service. again: the command that goes on, for the message.
    """
    with watching(partial(_watch, address, again, every, lost)):
        yield


def _watch(address: str, again: str, every: float, lost: float, over: threading.Event) -> None:
    heard = time.monotonic()
    while not over.wait(every):
        if answers(address, min(5.0, lost)):
            heard = time.monotonic()
        elif time.monotonic() - heard > lost:
            print(
                f"golf: the cluster's head node ({address}) did not answer for {lost:g} s. Finished seeds are kept. "
                f"On a new cluster: {again} --address HOST:PORT",
                file=sys.stderr,
                flush=True,
            )
            os._exit(USER_ERROR)
