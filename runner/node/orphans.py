"""Work folders of attempts, and whatever a dead attempt left behind: its folder and its processes.

All work folders of a user lie in one folder of golf's own. A living attempt holds a lock in its folder and its
processes carry a mark in their environment that ends with the folder's name; so what may be swept needs no list that
could be wrong. Only this machine, only processes of this user.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from runner.files import locked, remove_tree

LOCK = "lock"
NEW, GONE = ".new-", ".gone-"
"""Begin the names of work folders that are being made and being removed."""
PATIENCE_S = 5.0
QUIET_LOOKS = 3
"""Looks in a row that find nobody, after which nobody is left."""
HALTED_LOOKS, HALTED_EVERY_S = 3, 0.2
"""Looks in a row, so far apart, at which a process stands still before it counts as halted."""
MARKER = "GOLF_ATTEMPT"
"""Environment variable that every process of an attempt carries, so that leftovers can be found."""
LONGEST_SOCKET = 107
"""Characters of a socket's path that Linux takes."""
SOCKET_BELOW_TMPDIR = len("/torch-shm-dir-xxxxxx/pymp-xxxxxxxx/listener-xxxxxxxx")
"""What multiprocessing, its managers and torch's loaders put behind TMPDIR, and some to spare."""
BELOW_SCRATCH = len("/xxxxxxxx/tmp")
"""What an attempt puts between the folder of work folders and what its script creates."""

SUPERVISES = "GOLF_SUPERVISES"
"""The same of its supervisor, which is to end by itself, and before it what it supervises."""


def default_scratch() -> Path:
    """This user's folder of work folders on this machine.

    Its name is as long for every user, and no job's name stands in a path of a work folder: a script's sockets lie in
    its TMPDIR, and must fit there on every node alike. Where the node's own folder of temporary files leaves no room
    for them, it is /tmp's, if that can be written to.
    """
    usual = default_stores()
    room = LONGEST_SOCKET - BELOW_SCRATCH - SOCKET_BELOW_TMPDIR
    if len(os.fsencode(usual)) > room and os.access("/tmp", os.W_OK | os.X_OK):
        return Path("/tmp") / usual.name
    return usual


def default_stores() -> Path:
    """Where what outlives an attempt is kept on this machine: the node's own folder of temporary files, however long
    its name, for no socket lies there."""
    return Path(tempfile.gettempdir()) / f"golf-{os.getuid():08x}"


def mark(name: str, base: Path) -> str:
    """What every process of the attempt `name` carries whose work folder is `base`."""
    return f"{name}-{base.name}"


def _is_of(carried: str, marker: str) -> bool:
    """Whether a mark is the one asked for; `marker` may be a work folder's name alone."""
    return carried == marker or carried.endswith(f"-{marker}")


def marked(prefix: str) -> list[psutil.Process]:
    """Living processes whose marker begins with `prefix`; for looking, not for killing."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            carried = process.environ().get(MARKER, "")
            if carried.startswith(prefix) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def kill_marked(marker: str) -> None:
    """Kill what carries `marker`, a mark or a work folder's name: the last resort when a supervisor was killed."""
    give_up, quiet = time.monotonic() + PATIENCE_S, 0
    while quiet < QUIET_LOOKS and time.monotonic() < give_up:
        alive = [process for process in psutil.process_iter() if _carries(process, marker)]
        quiet = 0 if alive else quiet + 1  # one that forks while we look is seen at the next look
        for process in alive:
            with contextlib.suppress(psutil.Error, OSError):
                if _own_group(process, marker):
                    os.killpg(os.getpgid(process.pid), signal.SIGKILL)
                process.kill()
        time.sleep(0.02)


def wake_supervisors(marker: str) -> None:
    """Let supervisors of a dead attempt that somebody halted go on, so that they hear that it is dead."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _supervises(process, marker):
                process.resume()


def end_halted(pid: int, marker: str) -> bool:
    """Kill the process that runs an attempt if somebody halted it, and what it left; whether it was so.

    pid: its number; marker: of the attempt. One that lives is left alone, however long it has said nothing.
    """
    try:
        process = psutil.Process(pid)
        for look in range(HALTED_LOOKS):
            if process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP):
                return False
            time.sleep(HALTED_EVERY_S if look + 1 < HALTED_LOOKS else 0.0)
        process.kill()
    except psutil.Error:
        return False
    # Its supervisor hears that it is dead, and ends what it supervises; should it be halted, too, it is woken.
    wake_supervisors(marker)
    time.sleep(HALTED_EVERY_S)
    kill_marked(marker)
    return True


def _supervises(process: psutil.Process, marker: str) -> bool:
    """By its command line: what a supervisor has in its environment, only root may read."""
    if any(_is_of(word, marker) for word in process.cmdline()[-1:]):
        return True
    try:
        return _is_of(process.environ().get(SUPERVISES, ""), marker)
    except psutil.AccessDenied:
        return False


def _own_group(process: psutil.Process, marker: str) -> bool:
    """Whether its process group is the attempt's alone: a signal to that leaves nobody out who is born meanwhile."""
    group = os.getpgid(process.pid)
    if group == os.getpgid(0):
        return False
    try:
        leader = psutil.Process(group)
        return leader.status() == psutil.STATUS_ZOMBIE or _carries(leader, marker)
    except psutil.NoSuchProcess:
        return True


def _carries(process: psutil.Process, marker: str) -> bool:
    """Alive, too: of a zombie nothing can be read."""
    with contextlib.suppress(psutil.Error):
        return _is_of(process.environ().get(MARKER, ""), marker)
    return False


@contextlib.contextmanager
def work_folder(scratch: Path) -> Iterator[Path]:
    """A locked folder of the attempt's own, gone afterwards; what dead attempts left behind is swept first."""
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with _alone(scratch):
            for unfinished in scratch.glob(f"{NEW}*"):
                remove_tree(unfinished)  # its maker died in the next four lines
            sweep(scratch)
            fresh = Path(tempfile.mkdtemp(prefix=NEW, dir=scratch))
            held.enter_context(locked(fresh / LOCK))
            # Renamed into a name that sweeps only once it is locked, or another sweep could take it in between.
            base = fresh.rename(scratch / fresh.name.removeprefix(NEW))
        try:
            yield base
        finally:
            _discard(base)


def _discard(base: Path) -> None:
    """Remove a work folder; under a name first by which whoever comes next knows it, should we die on the way."""
    gone = base.with_name(f"{GONE}{base.name}")
    with contextlib.suppress(OSError):
        base.rename(gone)
    remove_tree(gone)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else makes a work folder here meanwhile; the system frees it when its holder dies."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(scratch: Path) -> None:
    """Kill what is left of attempts whose worker died, and remove their folders; living ones hold their lock."""
    for gone in scratch.glob(f"{GONE}*"):
        remove_tree(gone)
    for lock in scratch.glob(f"[!.]*/{LOCK}"):
        with contextlib.suppress(OSError), locked(lock, wait=False):
            wake_supervisors(lock.parent.name)
            kill_marked(lock.parent.name)
            _discard(lock.parent)
