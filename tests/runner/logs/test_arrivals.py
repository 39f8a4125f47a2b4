"""Lines get the time at which they arrived, whatever comes first: the bytes, or the note of how far they reach."""

from __future__ import annotations

import re

import pytest

from runner.logs.arrivals import MAX_TOLD, Arrivals
from runner.logs.line_clock import LineClock, LinePatterns
from runner.logs.lines import MAX_LINE

ANY = re.compile("x")


class Told(LineClock):
    """Keeps what it is fed."""

    def __init__(self) -> None:
        super().__init__(LinePatterns(ANY, ANY, ANY))
        self.lines: list[tuple[float, str]] = []

    def feed(self, seconds: float, line: str) -> None:
        self.lines.append((seconds, line))


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_line_is_stamped_with_the_note_that_first_reached_its_end(told: Told) -> None:
    arrivals = Arrivals(told)
    arrivals.note(2, 1.0)
    arrivals.note(6, 2.0)
    arrivals.take(b"a\nbc")
    assert told.lines == [(1.0, "a")]
    arrivals.take(b"d\ne")
    assert told.lines == [(1.0, "a"), (2.0, "bcd")]
    arrivals.note(7, 3.0)
    arrivals.take(b"f\ng")
    assert told.lines == [(1.0, "a"), (2.0, "bcd")]
    arrivals.note(10, 4.0)
    arrivals.take(b"")
    assert told.lines[2:] == [(4.0, "ef")]
    arrivals.finish()
    arrivals.finish()
    assert told.lines[3:] == [(4.0, "g")]


def test_what_a_note_tells_of_is_not_held_until_all_of_it_is_there(told: Told) -> None:
    arrivals = Arrivals(told)
    arrivals.note(7, 1.0)
    arrivals.note(7, 1.5)
    arrivals.note(9, 2.0)
    for piece, held in ((b"a\nb", b""), (b"c\nd", b""), (b"\ne\nfg", b"fg")):
        arrivals.take(piece)
        assert arrivals.pending == held
    assert told.lines == [(1.0, "a"), (1.0, "bc"), (1.0, "d"), (2.0, "e")]
    assert not arrivals.notes


@pytest.mark.parametrize("first", range(15))
@pytest.mark.parametrize("second", range(15))
def test_lines_and_times_do_not_depend_on_the_pieces_in_which_a_log_is_read(first: int, second: int) -> None:
    data, ends = b"\rab\r\ncd\n\re\rf", ((1, 0.0), (3, 1.0), (4, 2.0), (9, 3.0), (14, 4.0))
    found = []
    for cuts in ((), (first, second)):
        told = Told()
        arrivals = Arrivals(told)
        for end, seconds in ends:
            arrivals.note(end, seconds)
        for begin, end in zip((0, *sorted(cuts)), (*sorted(cuts), len(data)), strict=True):
            arrivals.take(data[begin:end])
        arrivals.finish()
        found.append(told.lines)
    assert found[0] == found[1]


def test_a_progress_bar_is_stamped_when_its_state_came_and_not_when_the_next_one_did(told: Told) -> None:
    arrivals = Arrivals(told)
    data = b"".join(b"\rstep:%d" % number for number in range(4)) + b"\nend"
    for number in range(4):
        arrivals.note(7 * (number + 1), float(number))
    arrivals.note(29, 9.0)
    arrivals.note(len(data), 10.0)
    arrivals.take(data)
    arrivals.finish()
    assert told.lines == [
        (0.0, ""),
        (0.0, "step:0"),
        (1.0, "step:1"),
        (2.0, "step:2"),
        (3.0, "step:3"),
        (10.0, "end"),
    ]


def test_a_newline_that_comes_later_than_its_return_ends_no_other_line(told: Told) -> None:
    arrivals = Arrivals(told)
    arrivals.note(2, 1.0)
    arrivals.note(3, 2.0)
    arrivals.note(5, 3.0)
    arrivals.take(b"a\r\nb\n")
    assert told.lines == [(1.0, "a"), (3.0, "b")]


def test_notes_that_pile_up_keep_their_times_and_no_memory(told: Told) -> None:
    arrivals = Arrivals(told)
    piece = b"y" * 63 + b"\n"
    for number in range(1, 20_001):
        arrivals.note(number * 64, float(number))
    arrivals.take(piece * 20_000)
    assert told.lines == [(float(number), "y" * 63) for number in range(1, 20_001)]
    assert (len(arrivals.pending), len(arrivals.notes), arrivals.offset) == (0, 0, 20_000 * 64)


def test_of_a_line_without_end_the_beginning_is_told(told: Told) -> None:
    arrivals, data = Arrivals(told), b"abc" + b"z" * (2 * MAX_LINE)
    arrivals.note(3, 7.0)
    arrivals.note(len(data), 8.0)
    arrivals.take(data)
    assert len(arrivals.pending) == 0
    assert len(arrivals.lines.partial) == MAX_LINE
    arrivals.note(len(data) + 2, 9.0)
    arrivals.take(b"!\n")
    assert told.lines == [(8.0, "abc" + "z" * (MAX_TOLD - 3))]
