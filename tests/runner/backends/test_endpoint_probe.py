"""What answers at an address is told before Ray tries, in seconds and in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.backends.endpoint_probe import PREFACE, answering_kind, split_address
from runner.errors import UserError

HEADS = b"\0\0\x06\x04\0\0\0\0\0\0\5\0\0\x40\0"
"""Settings as a server of HTTP/2 begins with."""


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that takes one connection, answers and hangs up; and what it heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            there, _ = server.accept()
            with there:
                heard.append(there.recv(len(PREFACE)))
                there.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heard
        thread.join(timeout=10)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (HEADS, "head"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "something else"),
        (b"", "something else"),
        (b"\0\0", "something else"),
    ],
)
def test_who_answers_is_told_by_the_first_bytes(answer: bytes, kind: str) -> None:
    with answering(answer) as (address, heard):
        assert answering_kind(address) == kind
    assert heard == [PREFACE]


def test_where_nobody_answers_both_ways_there_are_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(
        UserError, match=r"^--address auto: nobody answers there .*ssh -N -L 8265:127.0.0.1:8265 HEAD$"
    ):
        answering_kind(address, "auto")


@pytest.mark.parametrize(
    "address", ["", "foo", "foo:bar", ":6379", "foo:", "foo:0", "foo:99999", "ray://foo:10001", "http://foo:8265"]
)
def test_what_is_no_address_is_refused_without_asking(address: str) -> None:
    with pytest.raises(UserError, match="give host:port"):
        split_address(address)


def test_addresses_of_both_kinds_are_read() -> None:
    assert split_address("spark-0.lan:6379") == ("spark-0.lan", 6379)
    assert split_address("[::1]:6379") == ("::1", 6379)
