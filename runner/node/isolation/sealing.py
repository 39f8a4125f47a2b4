"""What every script loses, whatever the layer: privileges, and what of the kernel no namespace keeps apart.

A key in a ring of the user or the session would be found by the next process of the same user: the calls that
reach them fail with EPERM, and the session's ring is left behind. Sockets of other families than SOCKETS (vsock, say,
which leads to a virtual machine's host) are refused with EAFNOSUPPORT, and io_uring, which makes sockets unseen.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from runner.node.isolation.kernel import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_UNIX,
    IO_URING_SETUP,
    KEYCTL_JOIN_SESSION_KEYRING,
    MACHINES,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    SECCOMP_SET_MODE_FILTER,
    drop_capabilities,
    number_of,
    system_call,
)

HARMLESS = frozenset({0, 1, 2, 3, 4, 14, 23, 24})
"""Capabilities that root keeps where it has no namespace of its own: over files' owners and modes, locked memory,
priority and limits. None of them reaches into another process."""
SOCKETS = (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)
"""Kinds of sockets that end at a network namespace, or at a path."""
LOAD, JUMP_EQUAL, JUMP_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
FIRST_ARGUMENT = 16
"""Where a filter finds it, on machines that write the lower half of a number first."""
OTHER_ABI = 0x40000000
"""From here on x86_64 counts the calls of its 32-bit pointers, by which any call has a second number."""


def seal(*, own_namespaces: bool) -> None:
    """Give up privileges and key rings, for this process and all that it starts; OSError where that is refused."""
    try:
        system_call("keyctl", number_of("keyctl"), KEYCTL_JOIN_SESSION_KEYRING, None)
    except OSError:
        pass  # a kernel without key rings has none to leave
    drop_capabilities(frozenset() if own_namespaces else HARMLESS)
    try:
        _refuse_calls()
    except OSError:
        pass  # a kernel without filters; in a namespace of its own the user's rings are new


def _refuse_calls() -> None:
    audit, numbers = MACHINES.get(os.uname().machine, (0, {}))
    if not numbers:
        return
    refused = [numbers[name] for name in ("add_key", "request_key", "keyctl")]
    rules = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, audit), (RETURN, 0, 0, REFUSE | errno.ENOSYS), (LOAD, 0, 0, 0)]
    if os.uname().machine == "x86_64":
        rules += [(JUMP_LEAST, 0, 1, OTHER_ABI), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    for number in refused:
        rules += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    rules += [(JUMP_EQUAL, 0, 1, IO_URING_SETUP), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    rules += [(JUMP_EQUAL, 1, 0, numbers["socket"]), (JUMP_EQUAL, 0, len(SOCKETS) + 2, numbers["socketpair"])]
    rules.append((LOAD, 0, 0, FIRST_ARGUMENT))  # its lower half; the call itself looks at no more
    rules += [(JUMP_EQUAL, len(SOCKETS) - number, 0, kind) for number, kind in enumerate(SOCKETS)]
    rules.append((RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT))
    rules.append((RETURN, 0, 0, ALLOW))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    order = struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(program))
    # Without the flag old kernels would slow down every process that has a filter.
    flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW
    system_call("seccomp", number_of("seccomp"), SECCOMP_SET_MODE_FILTER, flags, order)
