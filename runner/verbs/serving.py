"""`golf serve`: shows a folder until it is interrupted. What pages look like is handed down by runner/cli."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from runner.errors import UserError
from runner.interrupt import Interrupted, stopped
from runner.serving.http import Server
from runner.serving.site import Draw, Site

TOKEN_BYTES = 24


def serve_until_interrupted(root: Path, port: int, draw: Draw, say: Callable[[str], None]) -> None:
    """Listen until a signal comes. UserError where there is no such folder, or the port is taken."""
    if not root.is_dir():
        raise UserError(f"{root}: {'is a file' if root.exists() else 'no such folder'}; give one that holds runs/")
    server = Server(Site(root, draw), secrets.token_urlsafe(TOKEN_BYTES), port)
    say(server.address)
    say("  whoever has this address can read the pages; nothing can be changed from them")
    say(f"  from another machine: ssh -L {server.server_port}:127.0.0.1:{server.server_port} HOST, then the address")
    say("  Ctrl-C ends it")
    # In a thread of its own, so that a signal ends the main thread wherever the server stands.
    worker = threading.Thread(target=server.serve_forever, name="golf-serve", daemon=True)
    worker.start()
    try:
        worker.join()
    except Interrupted:
        stopped.clear()  # this is how it ends, and nothing was cut short by it
        say("ended")
    finally:
        server.shutdown()
        server.server_close()
