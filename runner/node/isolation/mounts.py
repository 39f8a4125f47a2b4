"""The file system as a phase sees it, made of mounts in a namespace that is already its own.

Everything can be read and nothing be changed, but for what the bounds say. /dev holds what a computation needs and no
disk, /proc shows the phase's own processes, /run is empty: a socket there would lead to a service of the node. What
lies elsewhere of the node's sockets is covered one by one, for a network of one's own does not keep from them.
"""

from __future__ import annotations

import os
import stat

from runner.node.isolation.bounds import Bounds, depth, is_below, trail
from runner.node.isolation.kernel import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    make_read_only,
    make_writable,
    mount,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
ACCELERATORS = ("nvidia", "dri", "kfd", "dxg", "infiniband", "gdrdrv", "nvhost", "nvmap")
"""How names in /dev begin that computing on a GPU, and GPUs among each other, may need."""
KEPT_IN_RUN = ("/run/opengl-driver", "/run/current-system")
"""Where NixOS keeps drivers and programs."""
PRIVATE_SHARE = 50
"""Percent of the memory that a private folder in memory may hold, as is usual for /dev/shm."""


def build(bounds: Bounds, sockets: Sequence[str] = ()) -> None:
    """Make the view; OSError says which part of it was refused. sockets: paths of the node's."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    private = {os.path.realpath(path) for path in bounds.private if os.path.isdir(path)}
    hidden = {os.path.realpath(path) for path in bounds.hide if os.path.exists(path)} | {"/run"}
    kept = [*bounds.keep, *(KEPT_IN_RUN if os.path.isdir("/run") else ()), *_names_of_hosts(bounds)]
    links, ends = _trails([*kept, *bounds.write])
    written = {trail(path)[1] for path in bounds.write if os.path.exists(path)}
    covered = sorted({place for place in hidden | private if os.path.exists(place)}, key=depth)
    # Opened before anything is covered: what is kept may lie below several places.
    held = {end: os.open(end, os.O_PATH) for end in ends}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in _device_names()}
    for place in covered:
        if not os.path.isdir(place):
            if os.path.exists(place):
                mount("/dev/null", place, None, MS_BIND)
            continue
        if not is_below(place, "/dev"):
            _cover(place, place in private, links, held)
    for place in sockets:
        if _is_socket(place):  # and not covered already
            mount("/dev/null", place, None, MS_BIND)
    for end in sorted(written, key=depth):
        if not any(is_below(end, place) for place in covered):
            mount(end, end, None, MS_BIND | MS_REC)
    _devices(devices)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for descriptor in (*held.values(), *devices.values()):
        os.close(descriptor)
    make_read_only("/")
    for place in (*written, *(place for place in private if not is_below(place, "/dev")), "/dev/shm"):
        make_writable(place)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _trails(paths: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Links on the way to paths that exist, and where each way ends; what is nearer to the root first."""
    links: dict[tuple[str, str], None] = {}
    ends: dict[str, None] = {}
    for path in paths:
        if os.path.exists(path):
            passed, end = trail(path)
            links |= dict.fromkeys(passed)
            ends[end] = None
    return list(links), sorted(ends, key=depth)


def _names_of_hosts(bounds: Bounds) -> list[str]:
    return ["/etc/resolv.conf"] if bounds.network else []  # a link into /run on most systems


def _cover(place: str, private: bool, links: list[tuple[str, str]], held: dict[str, int]) -> None:
    """An empty folder over `place`, in which only what is kept stands where it was."""
    if private:
        mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={PRIVATE_SHARE}%")
    else:
        mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    for where, says in links:
        if is_below(where, place):
            os.makedirs(os.path.dirname(where), exist_ok=True)
            if not os.path.lexists(where):
                os.symlink(says, where)
    for end, descriptor in held.items():
        if is_below(end, place):
            _stand_in(end, descriptor)
            mount(f"/proc/self/fd/{descriptor}", end, None, MS_BIND | MS_REC)


def _stand_in(path: str, descriptor: int) -> None:
    """Something of the same kind to mount on."""
    if os.path.exists(path):
        return
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _device_names() -> list[str]:
    return [name for name in sorted(os.listdir("/dev")) if name in DEVICES or name.startswith(ACCELERATORS)]


def _devices(held: dict[str, int]) -> None:
    """A /dev of its own: none of the disks, terminals and queues of the node, and a /dev/shm of its own."""
    mount("none", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m")
    for name, descriptor in held.items():
        _stand_in(f"/dev/{name}", descriptor)
        mount(f"/proc/self/fd/{descriptor}", f"/dev/{name}", None, MS_BIND | MS_REC)
    for name, says in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{says}", f"/dev/{name}")
    os.mkdir("/dev/shm")
    mount("none", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={PRIVATE_SHARE}%")
    os.mkdir("/dev/pts")
    os.symlink("pts/ptmx", "/dev/ptmx")
    try:
        mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    except OSError:
        pass  # a terminal is a convenience
