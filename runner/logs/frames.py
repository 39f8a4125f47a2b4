"""What a supervisor tells, checked line by line before anybody goes by it.

Each line is a code (blake2b, keyed), a blank and a JSON object. The key goes to the supervisor with its order,
through a pipe, so nobody else who finds the other pipe can say anything in its name; numbers from 1 on show what was
taken out of it. Times are the supervisor's and of the same monotonic clock as ours: finite, never going back, never
in the future. The first line that breaks a rule ends all: from then on nothing is known. Stdlib only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 1 << 16
"""Bytes of a line."""
AHEAD_S, ROUNDED_S = 0.05, 0.002
"""How far a stamp may seem to lie in the future, and two of one moment apart: they are rounded."""
MOST_SECONDS = 1e9
CODE = 32
"""Hex digits of a line's code."""


class BadFrame(Exception):
    """A line that no supervisor of ours wrote so; says what is wrong."""


def signed(body: bytes, key: bytes) -> bytes:
    """The line that tells `body`, with its end."""
    return hashlib.blake2b(body, key=key, digest_size=CODE // 2).hexdigest().encode() + b" " + body + b"\n"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _count(value: object) -> bool:
    return isinstance(value, int) and _whole(value) and value >= 0


def _seconds(value: object) -> bool:
    # What is not a number is in no range.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_SECONDS


def _text(value: object) -> bool:
    return isinstance(value, str)


def _maybe_whole(value: object) -> bool:
    return value is None or _whole(value)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


FIELDS: Mapping[str, Mapping[str, Callable[[object], bool]]] = {
    "start": {"pid": _count, "supervisor": _count, "began": _seconds},
    "log": {"end": _count},
    "event": {"name": _text, "t_event": _seconds},
    "beat": {},
    "exit": {
        "returncode": _maybe_whole,
        "reason": _text,
        "over_limit": _flag,
        "survivors": _count,
        "wall_seconds": _seconds,
        "peak_rss_mib": _seconds,
        "late_events": _seconds,
        "late": _seconds,
    },
}
"""Kind of line -> its fields beside `kind`, `n` and `t`: all of them, and no others."""


class FrameReader:
    """Takes the lines of one supervisor in their order."""

    def __init__(self, key: bytes, started: float) -> None:
        """started: before it was started, on our monotonic clock."""
        self.key = key
        self.started = started
        self.count = 0
        """Lines so far."""
        self.last_t = 0.0
        self.began: float | None = None
        """When its process began, on our monotonic clock, once it has said so."""
        self.log_end = 0
        self.over = False

    def take(self, line: bytes, now: float) -> dict[str, Any]:
        """The line's content, whole and of the right types. now: when it was read. BadFrame where it is none."""
        if len(line) > LONGEST:
            raise BadFrame(f"a line of more than {LONGEST:,} bytes")
        body = line[CODE + 1 : -1]
        if not hmac.compare_digest(line, signed(body, self.key)):
            raise BadFrame("a line that it did not write")
        try:
            frame = json.loads(body)
        except (ValueError, RecursionError):
            raise BadFrame("a line that is no JSON") from None
        if not isinstance(frame, dict):
            raise BadFrame("a line that is no object")
        kind, number, t = frame.get("kind"), frame.get("n"), frame.get("t")
        wanted = FIELDS.get(kind) if isinstance(kind, str) else None
        if wanted is None:
            raise BadFrame("a line of an unknown kind")
        if frame.keys() != {"kind", "n", "t", *wanted} or not all(good(frame[name]) for name, good in wanted.items()):
            raise BadFrame(f"a line ({kind}) whose fields are missing or of the wrong type")
        if not _whole(number) or number != self.count + 1:
            raise BadFrame(f"line {number} where line {self.count + 1} was due")
        if self.over or (self.began is None and kind not in ("start", "exit")) or (self.began and kind == "start"):
            raise BadFrame(f"a line ({kind}) out of turn")
        self._in_time(frame, t, now)
        self.count = number
        self.over = kind == "exit"
        return frame

    def _in_time(self, frame: Mapping[str, Any], t: object, now: float) -> None:
        """BadFrame for a time that cannot be."""
        if not _seconds(t):
            raise BadFrame("a line without a time")
        assert isinstance(t, int | float)
        if t < self.last_t:
            raise BadFrame(f"time went back from {self.last_t:.4f} to {t:.4f} s")
        if frame["kind"] == "start":
            if not self.started - AHEAD_S <= frame["began"] <= now + AHEAD_S:
                raise BadFrame("a start that did not happen then")
            self.began = float(frame["began"])
        if (self.started if self.began is None else self.began) + t > now + AHEAD_S:
            raise BadFrame(f"a time in the future: {t:.4f} s")
        for name in ("t_event", "wall_seconds"):
            if frame.get(name, 0.0) > t + ROUNDED_S:
                raise BadFrame(f"{name} later than the line that tells it")
        if frame["kind"] == "log":
            if frame["end"] < self.log_end:
                raise BadFrame("a log that shrank")
            self.log_end = frame["end"]
        self.last_t = float(t)
