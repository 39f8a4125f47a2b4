"""What was launched and how long it held its node, from the ledger's entries."""

from __future__ import annotations

from typing import Any

import pytest

from runner.folder.launches import launches, stopped
from runner.results.runs import Launch

DAY = "2026-01-02T"


def entry(kind: str, seed: int, attempt: int, time: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "seed": seed, "attempt": attempt, "time": f"2026-01-02T{time}Z", **facts}


def test_every_launch_has_its_end_and_its_seconds_and_a_killed_driver_leaves_neither() -> None:
    entries = [
        {"kind": "registered", "seeds": [1, 2], "time": "2026-01-02T03:00:00Z"},
        entry("queued", 1, 1, "03:00:00"),
        {"kind": "checked", "node": "n1", "report": {"host": "vm"}, "time": "2026-01-02T03:00:04Z"},
        {"kind": "checked", "node": "n2", "report": None, "time": "2026-01-02T03:00:04Z"},
        entry("launched", 1, 1, "03:00:05", node="n1"),
        entry("launched", 2, 1, "03:00:06", node="n2"),
        entry("finished", 1, 1, "03:01:20", status="lost"),
        entry("launched", 1, 2, "23:59:30"),
        {"kind": "finished", "seed": 1, "attempt": 2, "time": "2026-01-03T00:00:30Z", "status": "completed"},
    ]
    assert launches(entries) == [
        Launch(seed=1, attempt=1, status="lost", seconds=75.0, node="n1", host="vm", started_at=f"{DAY}03:00:05Z"),
        Launch(seed=2, attempt=1, status=None, seconds=None, node="n2", started_at=f"{DAY}03:00:06Z"),
        Launch(seed=1, attempt=2, status="completed", seconds=60.0, started_at=f"{DAY}23:59:30Z"),
    ]


def test_what_was_queued_and_never_started_is_no_launch() -> None:
    assert launches([entry("queued", 1, 1, "03:00:00"), entry("withdrawn", 1, 1, "03:00:01")]) == []


def test_what_the_driver_timed_counts_and_no_time_of_day_that_was_set_or_came_late() -> None:
    entries = [
        entry("launched", 1, 1, "03:00:00"),
        entry("finished", 1, 1, "05:00:10", status="completed", held_seconds=10.2),
        entry("launched", 2, 1, "03:00:00"),
        entry("finished", 2, 1, "02:00:00", status="completed"),
        entry("launched", 3, 1, "03:00:00"),
        entry("finished", 3, 1, "09:00:00", status="completed", late=True),
        entry("launched", 4, 1, "03:00:00"),
        entry("finished", 4, 1, "03:00:10", status="completed", held_seconds="long"),
    ]
    assert [launch.seconds for launch in launches(entries)] == [10.2, None, None, None]


@pytest.mark.parametrize(
    ("end", "facts", "seconds"),
    [
        ("03:00:00", {"held_seconds": 0}, 0.0),
        ("03:00:00", {"held_seconds": 0.25}, 0.25),
        ("03:00:00", {"held_seconds": -0.001}, None),
        ("03:00:00", {}, 0.0),
        ("03:00:01", {}, 1.0),
        ("02:59:59", {}, None),
    ],
)
def test_no_time_at_all_is_one_and_less_than_none_is_not_known(
    end: str, facts: dict[str, float], seconds: float | None
) -> None:
    entries = [entry("launched", 1, 1, "03:00:00"), entry("finished", 1, 1, end, status="completed", **facts)]
    (launch,) = launches(entries)
    assert launch.seconds == seconds


def test_what_only_scored_names_whose_training_and_a_stop_is_told_until_another_run_begins() -> None:
    entries = [
        entry("launched", 1, 1, "03:00:00"),
        entry("finished", 1, 1, "03:00:10", status="failed"),
        {**entry("launched", 1, 2, "03:00:11"), "trained_by": 1},
        {"kind": "stopped", "time": "2026-01-02T03:00:12Z", "reason": "the same failure twice: x"},
    ]
    assert [(one.attempt, one.trained_by) for one in launches(entries)] == [(1, None), (2, 1)]
    assert stopped(entries) == "the same failure twice: x"
    assert stopped(entries[:3]) == stopped([*entries, entry("queued", 1, 3, "04:00:00")]) == ""
