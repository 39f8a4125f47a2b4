"""A driver whose own Ray is killed or halted ends with a word of what to do, instead of waiting for ever.

The Ray that golf starts for itself is processes of this machine, children of ours: whether they live is asked of
the system, not of Ray, whose calls block without them. What the driver knows is on disk; it ends as if it had been
killed, which a run survives. On a cluster of others, runner.backends.head_watch looks.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial

import psutil

from runner import interrupt
from runner.backends.watching import watching

PARTS = {"gcs_server": "control service", "raylet": "raylet"}
"""Name of a process -> what it is; without either nothing goes on."""
EVERY_S = 0.5
HALTED_S = 20.0
"""How long one may be halted: somebody may be looking at it with a debugger."""
GONE_S = 0.5
"""How long one may be gone: we ourselves end Ray when we end."""
USER_ERROR = 2


def own_parts() -> dict[psutil.Process, str]:
    """Control service and raylet of the Ray that this process started, and what each is called."""
    return {child: PARTS[name] for child in psutil.Process().children() if (name := _name(child)) in PARTS}


def patience(stall: float) -> float:
    """How long a part may be halted in a job that allows so much silence; 0 allows any."""
    return min(HALTED_S, stall) if stall else HALTED_S


@contextlib.contextmanager
def local_watched(
    parts: Mapping[psutil.Process, str], again: str, halted: float = HALTED_S, every: float = EVERY_S
) -> Iterator[None]:
    """While the context lasts, end this process if one of Ray's `parts` is gone, or halted for `halted` seconds.

    parts: with their names. again: the command that goes on, for the message.
    """
    with watching(partial(_watch, parts, again, halted, every)):
        yield


def _watch(
    parts: Mapping[psutil.Process, str], again: str, halted: float, every: float, over: threading.Event
) -> None:
    since: dict[tuple[int, str], float] = {}
    while not over.wait(every):
        now = time.monotonic()
        for part in parts:
            state = _trouble(part)
            for other in ("killed", "halted"):
                if other != state:
                    since.pop((part.pid, other), None)
            if not state:
                continue
            begun = since.setdefault((part.pid, state), now)
            long_enough = now - begun >= (halted if state == "halted" else GONE_S)
            if long_enough and not over.is_set() and not interrupt.stopped:  # whoever stops us may stop Ray as well
                _end(part, parts, state, again)


def _trouble(part: psutil.Process) -> str:
    try:
        status = part.status()
    except psutil.NoSuchProcess:
        return "killed"
    except psutil.Error:
        return ""
    if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return "killed"
    return "halted" if status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP) else ""


def _end(part: psutil.Process, parts: Mapping[psutil.Process, str], state: str, again: str) -> None:
    """Say what happened, kill what is left of our Ray, so that its attempts end, and end ourselves."""
    left = [*parts, *_descendants()]
    print(
        f"golf: Ray's {parts[part]} on this machine (process {part.pid}) was {state}. What ran is stopped, finished "
        f"seeds are kept. {again} goes on; the same job with --local does so without Ray",
        file=sys.stderr,
        flush=True,
    )
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    os._exit(USER_ERROR)


def _descendants() -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process().children(recursive=True)
    return []


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""
