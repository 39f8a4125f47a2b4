"""When something was seen: joined, bounded, never less than was seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs.spans import Spans


def spans(*pairs: tuple[float, float], join: float = 0.25) -> Spans:
    found = Spans(join=join)
    for begin, end in pairs:
        found.add(begin, end)
    return found


def test_what_lies_close_together_is_one_span() -> None:
    found = Spans(join=0.25)
    for when in (1.0, 1.25, 1.5, 2.0, 2.25, 9.0):
        found.add(when)
    assert (found.begins, found.ends) == ([1.0, 2.0, 9.0], [1.5, 2.25, 9.0])
    assert (found.first, found.last) == (1.0, 9.0)
    assert (Spans().first, Spans().last) == (None, None)


@pytest.mark.parametrize(
    ("when", "first", "last"),
    [
        (0.0, 1.0, None),
        (1.0, 1.0, 1.0),
        (1.5, 1.5, 1.5),
        (2.0, 2.0, 2.0),
        (3.0, 5.0, 2.0),
        (5.0, 5.0, 5.0),
        (6.0, 6.0, 6.0),
        (6.5, None, 6.0),
    ],
)
def test_the_first_from_a_moment_on_and_the_last_until_it(
    when: float, first: float | None, last: float | None
) -> None:
    found = spans((1.0, 2.0), (5.0, 6.0))
    assert (found.first_from(when), found.last_until(when)) == (first, last)
    assert (Spans().first_from(when), Spans().last_until(when)) == (None, None)


@pytest.mark.parametrize(
    ("begin", "end", "seconds"),
    [(0.0, 9.0, 2.0), (1.5, 5.25, 0.75), (2.0, 5.0, 0.0), (2.5, 4.0, 0.0), (1.25, 1.75, 0.5), (6.0, 7.0, 0.0)],
)
def test_how_much_of_a_time_is_covered(begin: float, end: float, seconds: float) -> None:
    assert spans((1.0, 2.0), (5.0, 6.0)).seconds(begin, end) == seconds


def test_another_clock_starts_at_nought_and_forgets_what_came_before() -> None:
    moved = spans((1.0, 2.0), (5.0, 6.0), (8.0, 8.5)).since(5.5)
    assert (moved.begins, moved.ends) == ([0.0, 2.5], [0.5, 3.0])


@given(st.lists(st.floats(0, 1000), max_size=200))
def test_memory_is_bounded_and_whatever_was_seen_is_covered(moments: list[float]) -> None:
    found = Spans(join=0.0, most=8)
    for when in sorted(moments):
        found.add(when)
    assert len(found.begins) == len(found.ends) <= 9
    assert all(found.last_until(when) == when == found.first_from(when) for when in moments)
    assert all(begin <= end for begin, end in zip(found.begins, found.ends, strict=True))
    assert all(end < begin for end, begin in zip(found.ends, found.begins[1:], strict=False))


def test_of_too_many_those_that_lie_closer_than_the_middle_gap_are_joined() -> None:
    found = Spans(join=0.0, most=3)
    for when in (0.0, 1.0, 3.0, 7.0):
        found.add(when)
    assert (found.begins, found.ends, found.join) == ([0.0, 7.0], [3.0, 7.0], 2.0)
