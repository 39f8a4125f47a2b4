"""Run a command where some paths are hidden and there is no network but its own loopback: Linux namespaces.

`python -P isolate.py ORDER COMMAND ...` becomes the command; ORDER is JSON: `{"hide": [paths], "keep": [paths],
"network": bool}`. A hidden folder is empty but for what is kept, a hidden file has no content. No privilege is needed
where the system lets users make namespaces; where it does not, the exit code is REFUSED and the command has not run.
The command gets a second user namespace inside the first, in which it may neither undo the mounts nor leave. Stdlib
only, like supervise.py.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

REFUSED = 97
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_PDEATHSIG = 1


def isolated(
    command: Sequence[str], hide: Sequence[Path], keep: Sequence[Path] = (), network: bool = False
) -> list[str]:
    """The command line that runs `command` with `hide` hidden but for `keep`; no network unless `network`."""
    order = json.dumps(
        {"hide": [str(path) for path in hide], "keep": [str(path) for path in keep], "network": network}
    )
    return [sys.executable, "-P", str(Path(__file__)), order, *command]


def can_isolate(hide: Sequence[Path] = (), keep: Sequence[Path] = ()) -> bool:
    """Whether this system lets us hide that and keep that: tried out, with a folder of our own beside it."""
    if sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            trial = subprocess.run(
                isolated([sys.executable, "-c", ""], [Path(folder), *hide], keep),
                cwd="/",
                capture_output=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return False
    return trial.returncode == 0


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _unshare(flags: int, uid: int, gid: int) -> None:
    """New namespaces in which we are who we were."""
    _call("unshare", flags | CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    _call("mount", source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), None)


def _raise_loopback() -> None:
    """torchrun's processes meet there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def _hide_folder(path: str, keep: Sequence[str]) -> None:
    """An empty folder of our own over `path`, in which only what is kept stands where it was."""
    inside = [kept for kept in keep if Path(path).resolve() in Path(kept).resolve().parents and Path(kept).exists()]
    held = [(kept, os.open(kept, os.O_PATH)) for kept in inside]
    _mount("none", path, "tmpfs", 0)
    for kept, descriptor in held:
        Path(kept).mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", kept, None, MS_BIND | MS_REC)
        os.close(descriptor)


def enter(hide: Sequence[str], keep: Sequence[str], network: bool) -> None:
    """Move this process into the namespaces; OSError where the system does not let it."""
    uid, gid, here = os.getuid(), os.getgid(), Path.cwd()
    _unshare(CLONE_NEWNS | (0 if network else CLONE_NEWNET), uid, gid)
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    for path in hide:
        if Path(path).is_dir():
            _hide_folder(path, keep)
        elif Path(path).exists():
            _mount("/dev/null", path, None, MS_BIND)
    if not network:
        _raise_loopback()
    _unshare(CLONE_NEWNS, uid, gid)
    os.chdir(here)
    # Entering namespaces drops the signal that ties us to our supervisor.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    """Enter, then become the command."""
    order = json.loads(sys.argv[1])
    try:
        enter(order["hide"], order["keep"], bool(order["network"]))
    except OSError as error:
        print(f"isolation is not allowed here: {error}", file=sys.stderr)
        sys.exit(REFUSED)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
