"""Run a command in namespaces of its own: user, processes, mounts, System V memory and queues, and the network.

Four processes: the one that was started, which stays outside and ends as the command ends; one that makes the
namespaces; the first process inside, which starts the command and collects orphans; and the command, without any
privilege over the namespaces. When the first process inside ends, the kernel kills everything else in there, and it
ends when the command does, or when whoever started all of this dies.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import struct
import sys

from runner.node.isolation import kernel
from runner.node.isolation.bounds import Bounds
from runner.node.isolation.mounts import build
from runner.node.isolation.sealing import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import NoReturn

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
HELD = b"held"
CANNOT_START = 127


def run(command: Sequence[str], bounds: Bounds, held: Callable[[], None]) -> str:
    """End as `command` ends, which runs within `bounds`; returns, with the reason, only where that is refused.

    held: called once the command is about to start.
    """
    told, status = os.pipe(), os.pipe()
    maker = os.fork()
    if maker == 0:
        _make(command, bounds, told[1], status[1])
    for end in (told[1], status[1]):
        os.close(end)
    _pass_on_signals(maker)
    answer = _read_all(told[0])
    if answer == HELD:
        held()
        _let_go_of_output(os.open(os.devnull, os.O_RDWR))
        _end_as(_read_all(status[0]), maker)
    os.waitpid(maker, 0)
    _pass_on_signals(None)
    for end in (told[0], status[0]):
        os.close(end)
    return answer.decode("utf-8", "replace") or "the process that was to make namespaces was killed"


def _make(command: Sequence[str], bounds: Bounds, told: int, status: int) -> NoReturn:
    """In a child of ours: make the namespaces, and the first process inside."""
    try:
        _die_with_parent()
        uid, gid, here = os.getuid(), os.getgid(), os.getcwd()
        _lock_memory_freely()
        sockets = kernel.sockets_with_names()  # now: another network does not tell of them
        flags = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC
        _unshare(flags | (0 if bounds.network else kernel.CLONE_NEWNET))
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        nothing = os.open(os.devnull, os.O_RDWR)  # now: the first process inside makes another /dev
        _die_with_parent()  # a new user namespace drops what was said of that before
        inside = os.fork()
    except OSError as error:
        _refuse(told, error)
    if inside == 0:
        _first_process(command, bounds, here, told, status, sockets)
    os.close(told)
    os.close(status)
    _let_go_of_output(nothing)
    _pass_on_signals(inside)
    os.waitpid(inside, 0)
    os._exit(0)


def _first_process(
    command: Sequence[str], bounds: Bounds, here: str, told: int, status: int, sockets: Sequence[str]
) -> NoReturn:
    """Process 1 inside: make the view, start the command, collect whatever it leaves until it ends."""
    try:
        _die_with_parent()
        mask = os.umask(0o022)
        build(bounds, sockets)
        os.umask(mask)
        if not bounds.network:
            kernel.raise_loopback()
        os.chdir(here)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        child = os.fork()
    except OSError as error:
        _refuse(told, error)
    if child == 0:
        _become(command, told)
    _pass_on_signals(child)
    os.close(told)
    _let_go_of_output(os.open(os.devnull, os.O_RDWR))
    while True:
        try:
            ended, how = os.wait()
        except ChildProcessError:
            os._exit(1)
        if ended == child:
            os.write(status, struct.pack("i", how))
            os._exit(0)


def _unshare(flags: int) -> None:
    try:
        kernel.call("unshare", flags)
    except OSError as error:
        told = {errno.ENOSPC: "there may be no more of them (user.max_user_namespaces)", errno.EPERM: "not permitted"}
        raise OSError(error.errno, told.get(error.errno or 0, str(error.strerror))) from None


def _lock_memory_freely() -> None:
    """As root may outside, whatever the limit says; inside nobody is root to the system."""
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        pass  # not root: the limit holds as it did


def _become(command: Sequence[str], told: int) -> NoReturn:
    for number in PASSED_ON:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    try:
        seal(own_namespaces=True)
    except OSError as error:
        _refuse(told, error)
    os.write(told, HELD)
    os.close(told)
    execute(command)


def execute(command: Sequence[str]) -> NoReturn:
    """Become the command, or say why not and end."""
    try:
        os.execvp(command[0], list(command))
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(CANNOT_START)


def _refuse(told: int, error: OSError) -> NoReturn:
    os.write(told, str(error.args[-1] if error.args else error).encode())
    os._exit(1)


def _die_with_parent() -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _pass_on_signals(child: int | None) -> None:
    def pass_on(number: int, _: FrameType | None) -> None:
        assert child is not None
        try:
            os.kill(child, number)
        except ProcessLookupError:
            pass  # it ends anyway

    for number in PASSED_ON:
        signal.signal(number, signal.SIG_DFL if child is None else pass_on)


def _let_go_of_output(nothing: int) -> None:
    """Whoever reads the command's output must see its end. nothing: stands in its place."""
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _read_all(descriptor: int) -> bytes:
    found = b""
    while piece := os.read(descriptor, 4096):
        found += piece
    return found


def _end_as(status: bytes, maker: int) -> NoReturn:
    """End as the command did: with its exit code, or by the same signal."""
    _, how = os.waitpid(maker, 0)
    if len(status) == 4:
        (how,) = struct.unpack("i", status)
    elif how == 0:
        how = signal.SIGKILL  # the first process inside was killed, and all others with it
    if os.WIFSIGNALED(how):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(os.WTERMSIG(how), signal.SIG_DFL) if os.WTERMSIG(how) != signal.SIGKILL else None
        os.kill(os.getpid(), os.WTERMSIG(how))
    os._exit(os.waitstatus_to_exitcode(how) if os.WIFEXITED(how) else CANNOT_START)
