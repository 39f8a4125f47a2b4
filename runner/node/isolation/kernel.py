"""The system calls that isolation needs and Python does not have, each as a function that raises OSError.

Linux on x86_64 and aarch64. Stdlib only: what a phase is put into must not hang on installed packages.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
RO_FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21}
"""Flags of a mount that a remount must repeat, by the words of /proc/self/mountinfo."""
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1, 4
KEYCTL_JOIN_SESSION_KEYRING = 1
MACHINES = {
    "x86_64": (
        0xC000003E,
        {"add_key": 248, "request_key": 249, "keyctl": 250, "seccomp": 317, "socket": 41, "socketpair": 53},
    ),
    "aarch64": (
        0xC00000B7,
        {"add_key": 217, "request_key": 218, "keyctl": 219, "seccomp": 277, "socket": 198, "socketpair": 199},
    ),
}
"""Machine -> how seccomp names it, and numbers of the calls that differ between machines."""
IO_URING_SETUP = 425
AF_UNIX, AF_INET6, AF_NETLINK = 1, 10, 16
AF_INET, SOCK_DGRAM, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 2, 2, 0x8913, 0x8914, 1
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446
LANDLOCK_VERSION, LANDLOCK_PATH_BENEATH = 1, 1


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """A function of the C library; OSError where it returns less than 0."""
    result = int(getattr(_libc(), name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(name: str, number: int, *arguments: object) -> int:
    """A system call by its number; OSError where it fails."""
    libc = _libc()
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        told = ctypes.get_errno()
        raise OSError(told, f"{name}: {os.strerror(told)}")
    return result


def number_of(name: str) -> int:
    """The number of a call here; OSError on a machine that we do not know."""
    try:
        return MACHINES[os.uname().machine][1][name]
    except KeyError:
        raise OSError(errno.ENOSYS, f"{name}: unknown on {os.uname().machine}") from None


def prctl(option: int, value: int = 0, more: int = 0) -> None:
    """One property of this process."""
    call("prctl", option, *map(ctypes.c_ulong, (value, more, 0, 0)))


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2); the error names the target."""
    try:
        call(
            "mount",
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() if options else None,
        )
    except OSError as error:
        raise OSError(error.errno, f"mount {kind or 'bind'} on {target}: {os.strerror(error.errno or 0)}") from None


def make_read_only(path: str) -> None:
    """Nothing below `path` can be changed, on no mount there; OSError where that cannot be had."""
    try:
        _mount_attributes(path, MOUNT_ATTR_RDONLY, 0, recursive=True)
    except OSError as error:
        if error.errno != errno.ENOSYS:  # before Linux 5.12 each mount has to be named
            raise
        for place, flags in mounts_below(path):
            mount("none", place, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)


def make_writable(path: str) -> None:
    """Take back `make_read_only` for the one mount at `path`, which must be of our own making."""
    try:
        _mount_attributes(path, 0, MOUNT_ATTR_RDONLY, recursive=False)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        flags = dict(mounts_below(path)).get(path, 0)
        mount("none", path, None, MS_REMOUNT | MS_BIND | flags)


def _mount_attributes(path: str, on: int, off: int, *, recursive: bool) -> None:
    attributes = struct.pack("QQQQ", on, off, 0, 0)
    how = AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(len(attributes))
    system_call("mount_setattr", MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), how, attributes, size)


def mounts_below(path: str) -> list[tuple[str, int]]:
    """Every mount at or below `path`, with the flags that it has beside being read-only."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields = line.split()
            place = fields[4].encode("latin-1", "replace").decode("unicode_escape")  # a blank is told as \040
            flags = sum(RO_FLAGS.get(word, 0) for word in fields[5].split(","))
            if path == "/" or place == path or place.startswith(f"{path}/"):
                found.append((place, flags))
    return found


def sockets_with_names() -> list[str]:
    """Paths of this network namespace's sockets that have one; [] where the system does not tell."""
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as lines:
            names = [line.rstrip("\n").split(maxsplit=7)[7:] for line in lines]
    except OSError:
        return []
    return sorted({name for told in names for name in told if name.startswith("/")})


def drop_capabilities(kept: frozenset[int] = frozenset()) -> None:
    """Give up for good every capability that is not kept: here, and in whatever is executed."""
    for number in range(64):
        if number not in kept:
            try:
                prctl(PR_CAPBSET_DROP, number)
            except OSError as error:
                if error.errno == errno.EINVAL:
                    break  # the kernel knows no further one
                if error.errno != errno.EPERM:
                    raise
                break  # no privilege: there is none to give up, and none to gain once no_new_privs is set
    try:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    except OSError:
        pass  # before Linux 4.3 there were none
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    held = ctypes.create_string_buffer(24)
    call("capget", header, held)
    words = list(struct.unpack("6I", held.raw))
    wanted = sum(1 << number for number in kept)
    for index in range(6):
        words[index] &= wanted >> (32 * (index // 3)) & 0xFFFFFFFF
    call("capset", header, struct.pack("6I", *words))


def raise_loopback() -> None:
    """Let processes of this network namespace meet at 127.0.0.1."""
    control = call("socket", AF_INET, SOCK_DGRAM, 0)
    try:
        request = ctypes.create_string_buffer(struct.pack("16sh22x", b"lo", 0))
        call("ioctl", control, ctypes.c_ulong(SIOCGIFFLAGS), request)
        (flags,) = struct.unpack("16xh22x", request.raw[:40])
        call("ioctl", control, ctypes.c_ulong(SIOCSIFFLAGS), struct.pack("16sh22x", b"lo", flags | IFF_UP))
    finally:
        os.close(control)
