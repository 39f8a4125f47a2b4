"""A script of a record that anybody may have made, run to its end where it can reach nothing but its own folder.

The folders where every process may write, and the user's home, are empty for it but for its interpreter; it has no
network. Where the system allows no such thing it is not run at all. What it says comes back in pieces.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runner.errors import UserError
from runner.node.isolation.bounds import Bounds
from runner.node.isolation.enter import command_in
from runner.node.isolation.held import trial
from runner.node.isolation.places import SHARED_PLACES, hidden_places, interpreter_places, other_places
from runner.printable import cut

PIECE = 1 << 16
NOT_HERE = "not run: it would have to be cut off, and this system allows no namespaces; use a machine that does"


def require_cut_off() -> None:
    """UserError where nothing can be run cut off here."""
    found = trial(("namespaces",))
    if found.layer != "namespaces" or "trial" in found.refused:
        raise UserError(f"{NOT_HERE} ({cut('; '.join(found.refused.values()))})")


def cut_off(command: Sequence[str], base: Path, work: Path) -> list[str]:
    """The command line that runs `command`, which finds what lies in `base` and may change what lies in `work`."""
    bounds = Bounds(
        hide=[str(path) for path in (*hidden_places(base), *other_places())],
        keep=[str(path) for path in (*interpreter_places(), base.resolve())],
        write=[str(work.resolve())],
        private=[str(path) for path in SHARED_PLACES],
        layers=("namespaces",),
        must_hold=True,
    )
    return command_in(command, bounds)


def output_of(command: Sequence[str], work: Path, env: Mapping[str, str], seconds: float) -> Iterator[bytes]:
    """What a command prints, in pieces; UserError where it fails, or takes longer than `seconds` and is killed."""
    with subprocess.Popen(
        command,
        cwd=work,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as running:
        late = threading.Event()

        def kill() -> None:
            late.set()
            _kill(running.pid)

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            assert running.stdout is not None
            while piece := os.read(running.stdout.fileno(), PIECE):
                yield piece
            running.wait()
        finally:
            timer.cancel()
            _kill(running.pid)  # whatever it left behind
        if late.is_set():
            raise UserError(f"did not end within {seconds:g} s")
        if running.returncode != 0:
            raise UserError(f"ended with exit code {running.returncode}")


def _kill(session: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
