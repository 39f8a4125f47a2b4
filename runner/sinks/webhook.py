"""A webhook: a few lines to Slack, Discord, ntfy, or anything that takes JSON. Sent once each, never followed on.

What a script said stays text: nobody is called by it, and nothing in it is a link or a format.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from runner.listing import counted
from runner.sinks.sink import Order, SinkError
from runner.sinks.tail import Point
from runner.sinks.told import Facts, words_of

ANSWERED_S = 8.0
"""How long its server may take to answer."""
MOST_DISCORD = 1900
MOMENTS = {"opened": "started", "done": "seed", "verdict": "verdict", "warning": "budget"}
"""Message -> what a job calls it."""


class _NoRedirect(HTTPRedirectHandler):
    """An address that sends on is not what the job's author named."""

    def redirect_request(self, *args: Any, **keywords: Any) -> None:
        return None


def slack(words: str, facts: Facts) -> bytes:
    """Its marks escaped, by which a text could call a channel or hide a link."""
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        words = words.replace(mark, name)
    return json.dumps({"text": words, "mrkdwn": False, "unfurl_links": False}).encode()


def discord(words: str, facts: Facts) -> bytes:
    """Nobody is called; marks of its formats are escaped."""
    plain = re.sub(r"([\\*_~`|>#\[\]()])", r"\\\1", words)[:MOST_DISCORD]
    return json.dumps({"content": plain, "allowed_mentions": {"parse": []}}).encode()


def ntfy(words: str, facts: Facts) -> bytes:
    """Plain text."""
    return words.encode()


def as_json(words: str, facts: Facts) -> bytes:
    """The facts themselves, and the words."""
    told = {key: value for key, value in facts.items() if key not in ("config", "patterns")}
    return json.dumps({**told, "text": words}).encode()


BODIES: dict[str, Callable[[str, Facts], bytes]] = {"slack": slack, "discord": discord, "ntfy": ntfy, "json": as_json}


class WebhookSink:
    """Posts what the job asks for; points of steps are none of it."""

    def __init__(self, order: Order) -> None:
        self.spec = order.spec
        self.url = os.environ.get(self.spec["url_env"], "").strip()
        parts = urlsplit(self.url)
        self.host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not self.host:
            raise SinkError(f"{self.spec['url_env']} holds no http or https address")
        self.run = ""
        self.sent = 0

    def opened(self, facts: Facts) -> None:
        self.run = facts["run"]
        self._post(facts)

    def started(self, facts: Facts) -> None:
        """Nothing: of seeds only their ends are told."""

    def points(self, seed: int, points: Sequence[Point]) -> None:
        """Nothing."""

    def done(self, facts: Facts) -> None:
        self._post(facts)

    def verdict(self, facts: Facts) -> None:
        self._post(facts)

    def warning(self, facts: Facts) -> None:
        self._post(facts)

    def close(self) -> str:
        return f"{counted(self.sent, 'message')} to {self.host}"

    def _post(self, facts: Facts) -> None:
        """Send one message; SinkError, which names host and status alone, where it does not arrive."""
        if MOMENTS[facts["kind"]] not in self.spec["on"]:
            return
        kind = self.spec["kind"]
        body = BODIES[kind](words_of(facts, self.run), {**facts, "run": self.run})
        plain = kind == "ntfy"
        headers = {"Content-Type": "text/plain; charset=utf-8" if plain else "application/json", "User-Agent": "golf"}
        if token := os.environ.get(self.spec["token_env"] or "", "").strip():
            headers["Authorization"] = f"Bearer {token}"
        try:
            with build_opener(_NoRedirect).open(Request(self.url, body, headers), timeout=ANSWERED_S) as answer:
                answer.read(1)
            self.sent += 1
        except HTTPError as error:
            error.close()
            raise SinkError(f"{self.host} answered {error.code}") from None
        except URLError as error:
            raise SinkError(f"{self.host} does not answer: {_why(error.reason)}") from None
        except Exception as error:
            raise SinkError(f"{self.host} does not answer: {_why(error)}") from None


def _why(reason: object) -> str:
    """An operating system's words, else the kind of error alone: others may repeat the address."""
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return "too slow" if isinstance(reason, TimeoutError) else type(reason).__name__
