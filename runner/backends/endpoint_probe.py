"""Who answers at an address? Asked before Ray is, which would try for minutes and say little.

A head node's control service speaks gRPC, whose first frame is HTTP/2 settings; Ray's dashboard speaks HTTP/1.
"""

from __future__ import annotations

import contextlib
import socket

from runner.errors import UserError

REACH_S = 5.0
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
"""What a client of HTTP/2 says first: the fixed words, and empty settings (RFC 9113, 3.4)."""
SETTINGS = 4
"""Type of the frame with which a server of HTTP/2 begins; stands at FRAME_TYPE of it."""
FRAME_TYPE = 3


def split_address(address: str) -> tuple[str, int]:
    """(host, port) of host:port; UserError for anything else."""
    host, colon, port = address.strip().rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536 or "/" in host:
        raise UserError(f"--address {address!r}: give host:port of the cluster's head node, e.g. 10.0.0.1:6379")
    return host.strip("[]"), int(port)


def reacts(host: str, port: int, patience: float = REACH_S) -> bool:
    """Whether whoever listens there says anything to a client of HTTP/2, or hangs up on it, within so many seconds.

    For a halted process the system still takes the call, and nothing comes. OSError where nobody listens.
    """
    with socket.create_connection((host, port), timeout=patience) as there:
        try:
            there.sendall(PREFACE)
            there.recv(1)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
    return True


def require_head_node(address: str) -> None:
    """UserError unless a control service of Ray may be what listens at host:port."""
    host, port = split_address(address)
    told = b""
    try:
        with socket.create_connection((host, port), timeout=REACH_S) as there:
            there.sendall(PREFACE)
            with contextlib.suppress(TimeoutError, ConnectionError):
                while len(told) <= FRAME_TYPE and (more := there.recv(64)):
                    told += more
    except OSError as error:
        raise UserError(
            f"--address {address}: nobody answers there ({error}). Give host:port of the cluster's head node, or "
            "leave it out to run on this machine"
        ) from None
    if told.startswith(b"HTTP/1"):
        raise UserError(
            f"--address {address}: a web server answers there, as Ray's dashboard would. golf run wants the head "
            "node itself, usually port 6379; what goes through the dashboard is golf submit"
        )
    if len(told) <= FRAME_TYPE or told[FRAME_TYPE] != SETTINGS:
        raise UserError(
            f"--address {address}: what answers there is no head node of Ray. Give its host and port, usually 6379"
        )
