"""Who may read a page: every request is held against these rules before anything is looked up.

Pure. The token is the first part of every address, so there is no cookie that another port's server could be sent,
and a page of somewhere else cannot make a browser ask for us. A name that leads here by somebody's DNS (rebinding) is
told by the Host header. What a path means beyond the token is site.py's.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from runner.errors import UserError

METHODS = ("GET", "HEAD")
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names by which a browser on this machine, or at the near end of a tunnel to it, asks."""
LONGEST = 2_000
"""Characters of an address."""
DEEPEST = 4
"""Parts of an address behind the token."""


@dataclass(frozen=True)
class Refusal:
    """Why nothing is shown."""

    code: int
    why: str
    """One line for whoever asked; says nothing of what there is."""


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    """What stands behind the method: path and query."""
    hosts: Sequence[str]
    """Every Host header."""
    fetch_site: str = ""
    """Sec-Fetch-Site: whose page had the browser ask."""
    body: bool = False
    """Whether it brings one."""


def wanted(asked: Asked, token: str) -> tuple[str, ...] | Refusal:
    """The parts of the path behind the token, or why the request is refused."""
    if asked.method not in METHODS:
        return Refusal(405, "nothing can be changed from here: GET and HEAD alone")
    if asked.body:
        return Refusal(400, "a request for a page brings nothing with it")
    if len(asked.hosts) != 1 or host_of(asked.hosts[0]) not in HERE:
        return Refusal(421, "this answers to 127.0.0.1 and localhost alone")
    if asked.fetch_site == "cross-site" or asked.fetch_site == "same-site":
        return Refusal(403, "asked for by another page; type the address that golf serve prints")
    parts = parts_of(asked.target)
    # The comparison takes as long for a wrong token as for a right one.
    if parts is None or not parts or not hmac.compare_digest(parts[0].encode(), token.encode()):
        return Refusal(403, "the address lacks the token; open the one that golf serve prints")
    return parts[1:]


def host_of(header: str) -> str:
    """The name in a Host header, without its port; '' for what is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "") if not set(header) & set("@/\\?# ") else ""
    except ValueError:
        return ""


def parts_of(target: str) -> tuple[str, ...] | None:
    """The parts of a path, each decoded once; None for what no address of ours looks like."""
    if not target.startswith("/") or len(target) > LONGEST:
        return None
    path = target.partition("?")[0]
    try:
        parts = tuple(unquote(part, errors="strict") for part in path[1:].split("/"))
    except UnicodeDecodeError:
        return None
    kept = parts[:-1] if parts[-1] == "" else parts
    fine = len(kept) <= DEEPEST + 1 and all(part and part not in (".", "..") and "\0" not in part for part in kept)
    return kept if fine else None


def require_port(port: int) -> int:
    """A port that can be listened on, 0 for any free one; UserError otherwise."""
    if not 0 <= port <= 65_535:
        raise UserError(f"--port {port}: is none; ports go from 1 to 65535, and 0 takes any that is free")
    return port
