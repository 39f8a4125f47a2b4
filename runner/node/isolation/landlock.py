"""Where namespaces are refused: a process gives up files, and other processes, that it need not reach (Landlock).

A rule allows a folder with all in it, and what no rule allows is denied: hidden places are left out by allowing what
stands beside them. What a kernel's Landlock cannot do (before ABI 4 no ports, before ABI 6 no abstract sockets and
signals) is not done. Ports are denied to a single process only: torchrun's must meet, and no rule can name loopback.
Nothing is hidden from `stat`, and shared memory of the System V kind is out of its reach.
"""

from __future__ import annotations

import ctypes
import os
import struct

from runner.node.isolation.bounds import Bounds, is_below, trail
from runner.node.isolation.kernel import (
    LANDLOCK_ADD,
    LANDLOCK_CREATE,
    LANDLOCK_PATH_BENEATH,
    LANDLOCK_RESTRICT,
    LANDLOCK_VERSION,
    system_call,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
"""Rights over files that each version knows; the later one over devices' ioctl is not taken, which GPUs need."""
TRUNCATE = 1 << 14
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
READ = EXECUTE | READ_FILE | READ_DIR
TCP = 0b11
"""Binding and connecting."""
SCOPES = 0b11
"""Abstract sockets and signals reach only processes that are confined with this one."""


def version() -> int:
    """Landlock's ABI; OSError where the kernel has none, or a container forbids it."""
    return system_call("landlock", LANDLOCK_CREATE, None, ctypes.c_size_t(0), LANDLOCK_VERSION)


def confine(bounds: Bounds) -> int:
    """Keep this process, and all that it starts, within `bounds` as far as Landlock can; returns its ABI.

    no_new_privs must be set. OSError where it is refused.
    """
    abi = version()
    rights = ALL_BY_ABI[min(abi, 3)]
    single = not bounds.network and not bounds.loopback
    fields = [rights, TCP if abi >= 4 and single else 0, SCOPES if abi >= 6 and not bounds.network else 0]
    fields = fields[: 1 if abi < 4 else 2 if abi < 6 else 3]
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    ruleset = system_call("landlock", LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        _allow(ruleset, "/", READ_DIR)  # names of files are no secret, or nobody could look for a shard beside them
        for path in readable(bounds):
            _allow(ruleset, path, READ & rights)
        for path in (*bounds.write, *bounds.private, "/dev"):
            _allow(ruleset, path, rights)
        system_call("landlock", LANDLOCK_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH)
    except (FileNotFoundError, PermissionError):
        return  # who cannot reach it needs no leave
    try:
        rights &= rights if os.path.isdir(path) else OF_A_FILE
        rule = struct.pack("=Qi", rights, descriptor)
        system_call("landlock", LANDLOCK_ADD, ruleset, LANDLOCK_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def readable(bounds: Bounds) -> list[str]:
    """Folders and files that together are everything but what the bounds hide; private places stay readable."""
    hidden = {os.path.realpath(path) for path in bounds.hide if os.path.exists(path)}
    kept = {trail(path)[1] for path in (*bounds.keep, *bounds.write) if os.path.exists(path)}
    found = list(_beside("/", hidden))
    return [*found, *sorted(path for path in kept if not any(is_below(path, other) for other in found))]


def _beside(folder: str, hidden: set[str]) -> Iterator[str]:
    """What of a folder is not hidden, in as few paths as that takes."""
    if folder in hidden:
        return
    if not any(is_below(path, folder) for path in hidden):
        yield folder
        return
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            yield from _beside(path, hidden)
