"""Events in their order, and whether what guards them held."""

from __future__ import annotations

from runner.review.answers import Place
from runner.review.labels.trace import Event, Guard, Trace


def event(kind: str, order: float, *guards: Guard) -> Event:
    return Event(kind, order, Place("a.py", 1), (), guards, (), labels=frozenset({"i:4", "val"}))


def test_events_come_in_their_order_by_kind() -> None:
    trace = Trace([event("score", 2.0), event("update", 1.0), event("report", 3.0)])
    trace.sort()
    assert [one.kind for one in trace.of("score", "update")] == ["update", "score"]


def test_an_event_holds_where_all_its_guards_do() -> None:
    assert event("score", 1.0, Guard("A=1", True)).holds
    assert not event("score", 1.0, Guard("A=1", True), Guard("B=1", False)).holds
    assert event("score", 1.0).indexes == {"i:4"}
