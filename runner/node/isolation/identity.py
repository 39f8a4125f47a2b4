"""Where golf is root and has no namespaces to give: a user of its own for the script, which nobody else is.

Its files are then no one else's, and it can neither look into nor signal a process of golf. It must be able to read
what the script needs; where that lies in a folder that root keeps to itself, root stays.
"""

from __future__ import annotations

import os
import zlib

from runner.node.isolation.bounds import Bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST, COUNT = 61_184, 4_000
"""User ids that no system hands out for good (systemd uses them for passing services)."""
DEVICES = "/dev"


def own_uid(name: str) -> int:
    """The user id of an attempt."""
    return FIRST + zlib.crc32(name.encode()) % COUNT


def why_not(uid: int, command: Sequence[str], bounds: Bounds) -> str:
    """Why the script cannot run as `uid`, tried out in a child; '' where it can."""
    if os.geteuid() != 0:
        return "golf is not root"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, _tried(uid, command, bounds).encode())
        os._exit(0)
    os.close(write)
    told = b""
    while piece := os.read(read, 4096):
        told += piece
    os.close(read)
    os.waitpid(child, 0)
    return told.decode("utf-8", "replace")


def _tried(uid: int, command: Sequence[str], bounds: Bounds) -> str:
    """Changes nothing but who may walk through folders of ours."""
    written = [path for path in bounds.write if os.path.exists(path)]
    try:
        for path in bounds.let_pass:
            os.chmod(path, os.stat(path).st_mode & 0o7777 | 0o011)
        _be(uid)
    except OSError as error:
        return str(error)
    if not os.access(command[0], os.X_OK):
        return f"another user may not run {command[0]}"
    for path in bounds.keep:
        if not os.access(path, os.R_OK):
            return f"another user may not read {path}"
    for path in written:
        if not os.access(path, os.F_OK):
            return f"another user does not reach {path}"
    for path in _gpus():
        if not os.access(path, os.R_OK | os.W_OK):  # a group's: it would find no GPU, and train on the CPU
            return f"another user may not use {path}"
    return ""


def _gpus() -> list[str]:
    """What CUDA opens."""
    names = [name for name in sorted(os.listdir(DEVICES)) if name.startswith("nvidia")]
    found = [name for name in names if name[6:].isdigit() or name in ("nvidiactl", "nvidia-uvm")]
    return [os.path.join(DEVICES, name) for name in found]


def become(uid: int, bounds: Bounds) -> None:
    """Be that user and no other, to whom belongs what may be changed; OSError where root may not do that."""
    for path in filter(os.path.exists, bounds.write):
        for folder, names, files in os.walk(path):
            for name in (*names, *files):
                os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)
        os.chown(path, uid, uid, follow_symlinks=False)
    _be(uid)


def _be(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
