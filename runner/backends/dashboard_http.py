"""A cluster's dashboard asked by plain HTTP: for what must be known at once, without starting Ray or a job there.

Only what a board (runner.drive.watch.board) needs: the head node, the drivers that were submitted, a file of its
logs.
"""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

from runner.machine import home_folder

PATIENCE_S = 3.0
MOST_BYTES = 16 << 20
DRIVERS = ("run", "resume", "duel")
"""Verbs that drive runs; any other is asked and has ended soon."""


class Unanswered(Exception):
    """The dashboard did not say it: another way must be gone."""


@dataclass(frozen=True)
class Answer:
    """What a dashboard answered, and when by its own clock."""

    content: bytes
    seconds: float
    """Since the epoch."""


def token() -> str:
    """This user's token of a cluster, where Ray looks for it; '' for none."""
    if told := os.environ.get("RAY_AUTH_TOKEN"):
        return told
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    try:
        return (Path(named).expanduser() if named else home_folder() / ".ray" / "auth_token").read_text().strip()
    except OSError:
        return ""


def get(url: str, path: str, **query: str) -> Answer:
    """GET of a path; Unanswered for anything but a whole answer within bounds."""
    if not url.startswith(("http://", "https://")):
        raise Unanswered("no address of a web server")
    try:
        asked = urllib.request.Request(f"{url}{path}?{urllib.parse.urlencode(query)}" if query else f"{url}{path}")
        if secret := token():
            asked.add_header("Authorization", f"Bearer {secret}")
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            content = answer.read(MOST_BYTES + 1)
            when = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (OSError, ValueError, TypeError, HTTPException) as error:
        raise Unanswered(str(error)) from None
    if len(content) > MOST_BYTES:
        raise Unanswered(f"more than {MOST_BYTES:,} bytes")
    return Answer(content, when)


def get_json(url: str, path: str, **query: str) -> tuple[Any, float]:
    """The same of JSON, and when."""
    answer = get(url, path, **query)
    try:
        return json.loads(answer.content), answer.seconds
    except ValueError as error:
        raise Unanswered(str(error)) from None


def head_node(url: str) -> str:
    """The id of the cluster's head node."""
    told, _ = get_json(url, "/nodes", view="summary")
    try:
        nodes = (node["raylet"] for node in told["data"]["summary"])
        return next(str(raylet["nodeId"]) for raylet in nodes if raylet.get("isHeadNode"))
    except (KeyError, TypeError, StopIteration):
        raise Unanswered("no head node") from None


def drivers(url: str) -> tuple[list[dict[str, Any]], float]:
    """Every submitted job that drives a run: `status`, and `end_time` in milliseconds or None; and when."""
    told, now = get_json(url, "/api/jobs/")
    try:
        return [job for job in told if (job.get("metadata") or {}).get("verb") in DRIVERS], now
    except (AttributeError, TypeError):
        raise Unanswered("no list of jobs") from None


def log_file(url: str, node: str, name: str) -> bytes:
    """A file of a node's log folder, whole."""
    return get(url, "/api/v0/logs/file", node_id=node, filename=name, lines="-1").content
