"""Lines of a supervisor: only its own count, whole, in order and in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.logs.frames import LONGEST, BadFrame, FrameReader, signed

KEY = b"secret" * 5
STARTED = 1000.0
NOW = 1010.0
"""When all lines are read; the process began at 1000.5."""
START = {"kind": "start", "n": 1, "t": 0.0, "pid": 12, "supervisor": 11, "began": 1000.5}
LOG = {"kind": "log", "n": 2, "t": 1.0, "end": 100}
EVENT = {"kind": "event", "n": 2, "t": 1.0, "name": "train_start", "t_event": 0.999}
EXIT = {
    "kind": "exit",
    "n": 2,
    "t": 9.0,
    "returncode": 0,
    "reason": "",
    "over_limit": False,
    "survivors": 0,
    "wall_seconds": 8.9,
    "peak_rss_mib": 10.0,
    "late_events": 0.0,
    "late": 0.0,
}
BEAT = {"kind": "beat", "n": 2, "t": 1.0}


def line(frame: object, key: bytes = KEY) -> bytes:
    return signed(json.dumps(frame).encode(), key)


def reader() -> FrameReader:
    """One that has heard the start."""
    found = FrameReader(KEY, STARTED)
    assert found.take(line(START), NOW) == START
    return found


@pytest.mark.parametrize("frame", [LOG, EVENT, BEAT, EXIT], ids=lambda frame: frame["kind"])
def test_what_a_supervisor_tells_comes_through(frame: dict[str, Any]) -> None:
    assert reader().take(line(frame), NOW) == frame


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "news"},
        {"kind": None},
        {"kind": ["log"]},
        {"n": 3},
        {"n": 1},
        {"n": True},
        {"n": None},
        {"t": None},
        {"t": "1"},
        {"t": -1.0},
        {"t": float("nan")},
        {"t": float("inf")},
        {"t": 1e300},
        {"t": 9.6},
        {"t": 10**400},
        {"end": -1},
        {"end": 1.5},
        {"end": "100"},
        {"end": None},
        {"end": 2**70},
        {"more": 1},
    ],
    ids=str,
)
def test_a_line_of_wrong_content_is_none_even_with_the_key(changes: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        reader().take(line({**LOG, **changes}), NOW)


@pytest.mark.parametrize("name", ["end", "t", "n", "kind"])
def test_a_line_that_lacks_a_field_is_none(name: str) -> None:
    with pytest.raises(BadFrame):
        reader().take(line({key: value for key, value in LOG.items() if key != name}), NOW)


@pytest.mark.parametrize(
    "changes",
    [{"t_event": 1.01}, {"t_event": float("nan")}, {"t_event": -0.1}, {"t_event": True}, {"name": 3}],
    ids=str,
)
def test_an_event_is_stamped_before_it_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        reader().take(line({**EVENT, **changes}), NOW)


def test_time_does_not_go_back_nor_does_the_log_shrink() -> None:
    heard = reader()
    heard.take(line(LOG), NOW)
    for changes in ({"t": 0.9, "end": 200}, {"t": 1.1, "end": 99}):
        with pytest.raises(BadFrame, match=r"went back|shrank"):
            heard.take(line({**LOG, "n": 3, **changes}), NOW)
    assert heard.take(line({**LOG, "n": 3}), NOW)["end"] == 100


@pytest.mark.parametrize("began", [999.0, 1010.5, float("nan"), None])
def test_a_start_lies_between_the_order_and_its_reading(began: float | None) -> None:
    with pytest.raises(BadFrame):
        FrameReader(KEY, STARTED).take(line({**START, "began": began}), NOW)


@pytest.mark.parametrize("frame", [LOG, EVENT, BEAT])
def test_nothing_comes_before_the_start(frame: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        FrameReader(KEY, STARTED).take(line({**frame, "n": 1}), NOW)


def test_nothing_comes_after_the_exit_and_nothing_starts_twice() -> None:
    heard = reader()
    with pytest.raises(BadFrame, match="out of turn"):
        heard.take(line({**START, "n": 2}), NOW)
    heard.take(line(EXIT), NOW)
    with pytest.raises(BadFrame, match="out of turn"):
        heard.take(line({**BEAT, "n": 3, "t": 9.1}), NOW)


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"\n",
        b"garbage\n",
        b"\xff\xfe\x00\n",
        json.dumps(LOG).encode() + b"\n",
        line(LOG, b"another key"),
        line(LOG)[:-1],
        line(LOG).replace(b"100", b"900"),
        b"[" * 50_000 + b"\n",
        signed(b"[" * 50_000, KEY),
        signed(b"[]", KEY),
        signed(b"\xff", KEY),
        signed(b"x" * LONGEST, KEY),
    ],
    ids=lambda told: f"{told[:12]!r} {len(told)}",
)
def test_a_line_that_is_not_signed_or_no_object_is_none(forged: bytes) -> None:
    with pytest.raises(BadFrame):
        reader().take(forged, NOW)
