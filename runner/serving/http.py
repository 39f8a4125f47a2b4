"""A small server on this machine's loopback: pages come from a function, and go out with headers that keep them here.

The standard library's, since there is nothing to it but GET: no form, no upload, no session, no file is ever opened
by a name that came in. Connections are few, and each is given up after a while.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from runner.errors import UserError
from runner.serving.guard import METHODS, Asked, Refusal, require_port, wanted

LOOPBACK = "127.0.0.1"
PATIENCE_S = 15.0
"""A connection that is silent for so long is closed."""
MOST_CONNECTIONS = 32
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL)
DATA = re.compile(r"""type=["']?application/""")
"""In a script element that holds data and is not run."""


@dataclass(frozen=True)
class Answer:
    """A page."""

    content: bytes
    kind: str = "text/html; charset=utf-8"


Pages = Callable[[tuple[str, ...]], Answer | None]
"""Parts of a path -> the page there; None where there is none."""


class Server(ThreadingHTTPServer):
    """Answers on 127.0.0.1 until it is shut down."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, pages: Pages, token: str, port: int = 0) -> None:
        """Begin to listen. UserError where the port is taken, or may not be."""
        self.pages, self.token = pages, token
        self.free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        try:
            super().__init__((LOOPBACK, require_port(port)), Handler)
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            advice = "choose another with --port, or --port 0 for any that is free"
            raise UserError(f"--port {port}: {why} on {LOOPBACK}; {advice}") from None

    @property
    def address(self) -> str:
        """What to open in a browser, token and all."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def server_bind(self) -> None:
        # The library's own asks the DNS for this machine's name, which nobody needs and may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self.free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nobody's fault, and its address holds the token: nothing is printed."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "golf", ""
    timeout = PATIENCE_S
    server: Server

    def answer(self) -> None:
        """Show a page, or say in a line why not."""
        sent = self.headers.get_all("Content-Length", []) + self.headers.get_all("Transfer-Encoding", [])
        asked = Asked(
            method=self.command,
            target=self.path,
            hosts=self.headers.get_all("Host", []),
            fetch_site=self.headers.get("Sec-Fetch-Site", ""),
            body=any(value.strip() != "0" for value in sent),
        )
        found = wanted(asked, self.server.token)
        if isinstance(found, Refusal):
            self.refuse(found.code, found.why)
            return
        try:
            page = self.server.pages(found)
        except UserError as error:
            self.refuse(503, str(error))
            return
        except Exception as error:  # one page's fault must not end the others, and its trace is not for a browser
            self.refuse(500, f"this page could not be made ({type(error).__name__}); golf report says why")
            return
        if page is None:
            self.refuse(404, "no such page; it may have gone since the list was drawn")
            return
        self.show(page)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = answer

    def show(self, page: Answer) -> None:
        """Send a page, or that it is still the one that the browser has."""
        mark = f'"{hashlib.sha256(page.content).hexdigest()[:32]}"'
        same = self.headers.get("If-None-Match") == mark
        self.send_response(304 if same else 200)
        self.send_header("ETag", mark)
        if not same:
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(page.content)))
        self.keep_here(policy_of(page))
        self.end_headers()
        if self.command == "GET" and not same:
            self.wfile.write(page.content)

    def refuse(self, code: int, why: str) -> None:
        """One plain line, after which the connection ends: what else came with the request is never read."""
        content = f"golf: {why}\n".encode("utf-8", "replace")
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        if code == 405:
            self.send_header("Allow", ", ".join(METHODS))
        self.keep_here("default-src 'none'")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library itself finds wrong with a request, in our words and with our headers."""
        self.refuse(code, "this is no request for a page")

    def keep_here(self, policy: str) -> None:
        """Headers by which a browser neither keeps a page, nor lets it reach out or be reached into."""
        for name, value in {
            "Content-Security-Policy": f"{policy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }.items():
            self.send_header(name, value)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: every address holds the token."""


def policy_of(page: Answer) -> str:
    """What a page may do: run the scripts that it was made with, draw, and ask here again for itself."""
    if not page.kind.startswith("text/html"):
        return "default-src 'none'"
    texts = [
        found["text"]
        for found in SCRIPT.finditer(page.content.decode("utf-8", "replace"))
        if not DATA.search(found["attributes"])
    ]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    scripts = " ".join(f"'sha256-{one}'" for one in dict.fromkeys(hashes)) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; connect-src 'self'"
    )
