"""Who answers at an address? Asked before Ray is, which would try for minutes and say little.

A head node's control service speaks gRPC, whose first frame is HTTP/2 settings; Ray's dashboard speaks HTTP/1.
"""

from __future__ import annotations

import contextlib
import socket

from runner.errors import UserError

REACH_S = 5.0
DASHBOARD_PORT = 8265
HEAD, WEB = "head", "a web server"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
"""What a client of HTTP/2 says first: the fixed words, and empty settings (RFC 9113, 3.4)."""
SETTINGS = 4
"""Type of the frame with which a server of HTTP/2 begins; stands at FRAME_TYPE of it."""
FRAME_TYPE = 3


def split_address(address: str) -> tuple[str, int]:
    """(host, port) of host:port; UserError for anything else."""
    host, colon, port = address.strip().rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536 or "/" in host:
        raise UserError(
            f"--address {address!r}: give host:port of the cluster's head node, e.g. 10.0.0.1:6379, "
            f"or of its dashboard, e.g. 127.0.0.1:{DASHBOARD_PORT}"
        )
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


def answering_kind(address: str, there: str = "") -> str:
    """Who answers at host:port: `head` (a control service of Ray, as far as can be told), `a web server` (as its
    dashboard is), or `something else`; UserError where nobody does.

    there: the address in the user's words.
    """
    host, port = split_address(address)
    told = b""
    try:
        with socket.create_connection((host, port), timeout=REACH_S) as other:
            other.sendall(PREFACE)
            with contextlib.suppress(TimeoutError, ConnectionError):
                while len(told) <= FRAME_TYPE and (more := other.recv(64)):
                    told += more
    except OSError as error:
        raise UserError(
            f"--address {there or address}: nobody answers there ({error}). Give host:port of a cluster's head node "
            f"or of its dashboard, which from elsewhere needs a tunnel: {tunnel('HEAD')}"
        ) from None
    if told.startswith(b"HTTP/1"):
        return WEB
    return HEAD if len(told) > FRAME_TYPE and told[FRAME_TYPE] == SETTINGS else "something else"


def tunnel(host: str) -> str:
    """The command that brings a head node's dashboard here."""
    return f"ssh -N -L {DASHBOARD_PORT}:127.0.0.1:{DASHBOARD_PORT} {host}"
