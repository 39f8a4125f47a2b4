"""The real server on loopback: what it answers, what it refuses, and what its headers keep a browser from."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from runner.errors import UserError
from runner.serving import http as serving
from runner.serving.http import Answer, Server, policy_of

TOKEN = "token-of-the-test"
PAGE = '<!doctype html><script>1 < 2</script><script type="application/json">{}</script><p>ä</p>'.encode()


def pages(parts: tuple[str, ...]) -> Answer | None:
    if parts == ("broken",):
        raise RuntimeError("a secret of the program")
    if parts == ("refused",):
        raise UserError("the ledger cannot be read")
    return Answer(PAGE) if parts == () else None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server(pages, TOKEN)
    worker = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    worker.start()
    yield made
    made.shutdown()
    made.server_close()
    worker.join()


def ask(
    server: Server, path: str = f"/{TOKEN}/", method: str = "GET", body: str | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()


def raw(server: Server, request: bytes) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=5)) as connection:
        connection.sendall(request)
        got = b""
        while piece := connection.recv(65_536):
            got += piece
        return got


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/{TOKEN}/"


def test_a_page_comes_with_headers_that_keep_it_here(server: Server) -> None:
    answer, content = ask(server)
    assert (answer.status, content) == (200, PAGE)
    headers = dict(answer.getheaders())
    script = base64.b64encode(hashlib.sha256(b"1 < 2").digest()).decode()
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers
    assert re.fullmatch(r"golf\s*", headers["Server"])


def test_head_has_the_headers_without_the_page_and_an_unchanged_page_is_not_sent_again(server: Server) -> None:
    answer, content = ask(server, method="HEAD")
    assert (answer.status, content, answer.headers["Content-Length"]) == (200, b"", str(len(PAGE)))
    again, nothing = ask(server, If_None_Match=answer.headers["ETag"])
    assert (again.status, nothing) == (304, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_no_method_changes_anything(server: Server, method: str) -> None:
    answer, content = ask(server, method=method, body="x=1" if method == "POST" else None)
    assert answer.status == (501 if method == "BREW" else 405)
    assert PAGE not in content
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_refusals_say_nothing_of_what_there_is(server: Server) -> None:
    for path, status in (
        ("/", 403),
        ("/wrong/", 403),
        (f"/{TOKEN}/nothing/", 404),
        (f"/{TOKEN}/../../etc/passwd", 403),
    ):
        answer, content = ask(server, path)
        assert (answer.status, TOKEN.encode() in content) == (status, False)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert ask(server, Host="evil.example")[0].status == 421
    assert ask(server, Sec_Fetch_Site="cross-site")[0].status == 403


def test_a_fault_of_one_page_is_a_line_and_ends_nothing(server: Server) -> None:
    answer, content = ask(server, f"/{TOKEN}/broken/")
    assert (answer.status, b"secret" in content) == (500, False)
    answer, content = ask(server, f"/{TOKEN}/refused/")
    assert (answer.status, content) == (503, b"golf: the ledger cannot be read\n")
    assert ask(server)[0].status == 200


def test_what_is_no_request_is_refused_in_our_words(server: Server) -> None:
    for request in (b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n"):
        got = raw(server, request)
        assert b"golf: " in got
        assert b"<html" not in got.lower()
    doubled = f"GET /{TOKEN}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n".encode()
    assert raw(server, doubled).startswith(b"HTTP/1.1 421")
    nameless = f"GET /{TOKEN}/ HTTP/1.0\r\n\r\n".encode()
    assert raw(server, nameless).startswith(b"HTTP/1.1 421")


def test_a_request_hidden_behind_another_is_never_read(server: Server) -> None:
    inner = f"GET /{TOKEN}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    outer = f"POST /{TOKEN}/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n{inner}"
    assert raw(server, outer.encode()).count(b"HTTP/1.1 ") == 1


def test_no_more_connections_are_held_than_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 2)
    made = Server(pages, TOKEN)
    worker = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    worker.start()
    try:
        held = [socket.create_connection(("127.0.0.1", made.server_port), timeout=5) for _ in range(2)]
        for one in held:
            one.sendall(b"GET /")  # and never ends
        third = socket.create_connection(("127.0.0.1", made.server_port), timeout=5)
        assert third.recv(100) == b""
        for one in (*held, third):
            one.close()
    finally:
        made.shutdown()
        made.server_close()
        worker.join()


def test_a_port_in_use_is_one_clear_message(server: Server) -> None:
    with pytest.raises(UserError) as caught:
        Server(pages, TOKEN, server.server_port)
    assert str(caught.value) == (
        f"--port {server.server_port}: is in use on 127.0.0.1; "
        "choose another with --port, or --port 0 for any that is free"
    )


def test_what_is_no_page_may_do_nothing() -> None:
    assert policy_of(Answer(b"x", "text/plain")) == "default-src 'none'"
    assert "script-src 'none'" in policy_of(Answer(b"<p>no script</p>"))
