"""What a supervisor counts: pauses once and only where they do not count, deadlines to the boundary, exact stamps.

No process: its parts are told what happened when.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.logs.clocks import PAUSE, journal_clocks
from runner.node.attempt_spec import AttemptSpec
from runner.node.deadlines import eval_deadlines, external_deadlines, overtime, train_deadlines
from runner.node.supervise import LATE_S, Deadline, Order, Supervisor
from runner.results.frozen import Interval
from tests.runner.node.test_attempt import spec_for


class At(Supervisor):
    """A supervisor whose clock shows what a test says, and which tells nobody."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def tell(self, kind: str, **facts: Any) -> None:
        pass


def supervisor(folder: Path | None = None, *deadlines: Deadline, stall: float = 0.0) -> At:
    place = str(folder or "")
    journal = str(folder / "journal") if folder is not None else None
    order = Order(["true"], place, {}, f"{place}/log", deadlines=list(deadlines), pause=PAUSE, journal=journal)
    made = At(order)
    made.order = Order(**{**vars(order), "stall_seconds": stall})
    return made


BEGIN, END = PAUSE


def test_pauses_add_up_and_one_that_lasts_counts_so_far() -> None:
    watch = supervisor()
    told = [(BEGIN, 10.0), (END, 12.5), (BEGIN, 20.0), (END, 21.0), (BEGIN, 30.0)]
    for name, stamp in told:
        watch._note_pause(name, stamp)
    assert watch._paused(34.0) == 2.5 + 1.0 + 4.0
    assert watch._paused(35.0) == 2.5 + 1.0 + 5.0


def test_a_pause_begun_twice_counts_from_its_first_beginning_and_ends_once() -> None:
    watch = supervisor()
    for name, stamp in [(END, 1.0), (BEGIN, 10.0), (BEGIN, 11.0), (END, 14.0), (END, 19.0), ("other", 20.0)]:
        watch._note_pause(name, stamp)
    assert (watch._paused(50.0), watch.pause_began) == (4.0, None)


def test_what_is_no_pause_of_the_order_is_none() -> None:
    watch = At(Order(["true"], "", {}, ""))
    for name in (BEGIN, END, ""):
        watch._note_pause(name, 5.0)
    assert watch._paused(9.0) == 4.0  # an order without pauses names both ""; no script can say that


LIMIT = Deadline(60.0, "too long", "train_start", "train_end", stops_in_pauses=True)


@pytest.mark.parametrize(
    ("pauses", "now", "reason"),
    [
        ([], 70.0, ""),
        ([], 70.001, "too long"),
        ([(BEGIN, 20.0), (END, 25.0)], 75.0, ""),
        ([(BEGIN, 20.0), (END, 25.0)], 75.001, "too long"),
        ([(BEGIN, 20.0)], 500.0, ""),
        ([(BEGIN, 20.0), (END, 25.0), (BEGIN, 30.0), (END, 32.0)], 77.001, "too long"),
        ([(BEGIN, 20.0), (END, 25.0), (BEGIN, 30.0), (END, 32.0)], 77.0, ""),
    ],
)
def test_a_training_deadline_stands_still_in_pauses(pauses: list[tuple[str, float]], now: float, reason: str) -> None:
    watch = supervisor(None, LIMIT)
    watch.happened = {"train_start": 10.0}
    for name, stamp in pauses:
        watch._note_pause(name, stamp)
    assert watch._overdue(now) == reason
    assert watch.over_limit is bool(reason)


def test_a_deadline_of_the_whole_process_counts_pauses_too() -> None:
    watch = supervisor(None, Deadline(60.0, "far too long"))
    watch._note_pause(BEGIN, 1.0)
    assert (watch._overdue(60.0), watch._overdue(60.001)) == ("", "far too long")


def test_a_deadline_waits_for_its_beginning_and_ends_with_its_end() -> None:
    watch = supervisor(None, LIMIT)
    assert watch._overdue(10_000.0) == ""
    watch.happened = {"train_start": 10.0, "train_end": 20.0}
    assert watch._overdue(10_000.0) == ""


def test_silence_is_a_stall_only_beyond_what_is_allowed() -> None:
    watch = supervisor(stall=5.0)
    watch.last_sign = 10.0
    assert (watch._overdue(15.0), watch._overdue(15.001)) == ("", "no output for 5 s")
    assert supervisor(stall=0.0)._overdue(1e9) == ""


@pytest.mark.parametrize(
    ("looked", "events", "heard", "late", "late_events"),
    [
        (1.0, 1, 0.5, 0.0, 0.0),
        (1.001, 1, 0.5, 1.001, 1.001),
        (5.0, 0, 0.5, 5.0, 0.0),
        (5.0, 0, 0.0, 0.0, 0.0),
    ],
    ids=["at the boundary", "an event", "output alone", "nothing came"],
)
def test_what_came_while_it_did_not_look_has_no_exact_time(
    looked: float, events: int, heard: float, late: float, late_events: float
) -> None:
    assert LATE_S == 1.0
    watch = supervisor()
    watch.before, watch.events, watch.last_sign = 0.0, events, heard
    watch._note_late(looked, 0, 0.0)
    assert (watch.late, watch.late_events) == (late, late_events)


def test_the_journal_of_a_life_has_each_pause_once_and_its_clock_is_exact(tmp_path: Path) -> None:
    watch = supervisor(tmp_path)
    watch.happened = {"warmup_start": 2.0, "train_start": 5.0}
    for name, stamp in [(BEGIN, 10.0), (END, 12.5), (BEGIN, 20.0)]:
        watch._note_pause(name, stamp)
    watch.time = 24.0
    watch.note(over=False)
    note = json.loads((tmp_path / "journal").read_text())
    assert (note["now"], note["paused"], note["over"], note["late"]) == (24.0, 6.5, False, 0.0)
    assert journal_clocks(note) == (Interval(low=12.5, high=14.0), Interval(low=22.0, high=23.5))
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]


STARTED = {"train_start": 5.0}


@pytest.mark.parametrize(
    ("note", "official", "strict"),
    [
        ({"now": 4.0, "events": {}}, (0.0, 1.5), (0.0, 1.5)),
        ({"now": 4.0, "events": {"warmup_start": 1.0}}, (0.0, 1.5), (3.0, 4.5)),
        ({"now": 9.0, "events": STARTED}, (4.0, 5.5), (4.0, 5.5)),
        ({"now": 9.0, "events": STARTED, "over": True}, (4.0, 4.0), (4.0, 4.0)),
        ({"now": 9.0, "events": STARTED, "over": True, "late": 2.0}, (4.0, 6.0), (4.0, 6.0)),
        ({"now": 9.0, "events": STARTED, "paused": 1.5}, (2.5, 4.0), (4.0, 5.5)),
        ({"now": 9.0, "events": STARTED, "paused": 5.0}, (0.0, 1.5), (4.0, 5.5)),
        ({"now": 90.0, "events": {**STARTED, "train_end": 8.0}}, (3.0, 3.0), (3.0, 3.0)),
        ({"now": 90.0, "events": {**STARTED, "train_end": 8.0, "warmup_start": 1.0}}, (3.0, 3.0), (7.0, 7.0)),
        ({"now": 4.0, "events": STARTED}, (0.0, 1.5), (0.0, 1.5)),
    ],
)
def test_a_killed_life_trained_at_least_and_at_most_so_long(
    note: dict[str, Any], official: tuple[float, float], strict: tuple[float, float]
) -> None:
    whole = {"paused": 0.0, "over": False, "late": 0.0, **note}
    low, high = official
    if not whole["late"]:
        del whole["late"]  # notes of earlier versions say nothing of it
    assert journal_clocks(whole) == (Interval(low=low, high=high), Interval(low=strict[0], high=strict[1]))


def spec(train: float, evaluation: float) -> AttemptSpec:
    return spec_for(b"", train_seconds=train, eval_seconds=evaluation)


@pytest.mark.parametrize(("limit", "most"), [(5.0, 15.0), (100.0, 110.0), (100.1, 110.11), (600.0, 660.0)])
def test_a_process_is_killed_a_tenth_and_at_least_ten_seconds_past_its_limit(limit: float, most: float) -> None:
    assert overtime(limit) == pytest.approx(most, abs=1e-9)


def test_deadlines_are_exact_and_name_what_they_are_between() -> None:
    train = [(d.seconds, d.begin, d.end, d.stops_in_pauses) for d in train_deadlines(spec(600.0, 300.0))]
    assert train == [
        (900.0, None, "train_start", False),
        (660.0, "train_start", "train_end", True),
        (900.0, "train_end", None, False),
        (2460.0, None, None, False),
    ]
    scored = [(d.seconds, d.begin, d.end, d.stops_in_pauses) for d in eval_deadlines(spec(600.0, 300.0))]
    assert scored == [
        (900.0, None, "eval_start", False),
        (330.0, "eval_start", "eval_end", False),
        (1230.0, None, None, False),
    ]
    (whole,) = external_deadlines(spec(600.0, 300.0))
    assert (whole.seconds, whole.begin, whole.end) == (900.0 + 660.0 + 900.0 + 330.0, None, None)
