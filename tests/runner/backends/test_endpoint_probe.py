"""What answers at an address is told before Ray tries, in seconds and in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.backends.endpoint_probe import PREFACE, require_head_node, split_address
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


def test_a_head_node_is_one_that_answers_as_grpc_does() -> None:
    with answering(HEADS) as (address, heard):
        require_head_node(address)
    assert heard == [PREFACE]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what goes through the dashboard is golf submit"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no head node of Ray"),
        (b"", "no head node of Ray"),
        (b"\0\0", "no head node of Ray"),
    ],
)
def test_what_else_answers_is_named(answer: bytes, said: str) -> None:
    with answering(answer) as (address, _), pytest.raises(UserError, match=said):
        require_head_node(address)


@pytest.mark.parametrize(
    "address", ["", "foo", "foo:bar", ":6379", "foo:", "foo:0", "foo:99999", "ray://foo:10001", "http://foo:8265"]
)
def test_what_is_no_address_is_refused_without_asking(address: str) -> None:
    with pytest.raises(UserError, match="give host:port"):
        split_address(address)


def test_addresses_of_both_kinds_are_read() -> None:
    assert split_address("spark-0.lan:6379") == ("spark-0.lan", 6379)
    assert split_address("[::1]:6379") == ("::1", 6379)
