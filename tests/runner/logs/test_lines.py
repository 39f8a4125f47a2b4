"""Lines of a log: three kinds of ends, any pieces, bounded memory."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs.lines import MAX_LINE, LineSplitter


def split(*pieces: bytes) -> tuple[list[tuple[bytes, bool]], bytes]:
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return lines, splitter.partial


@pytest.mark.parametrize(
    ("pieces", "lines", "rest"),
    [
        ([b"a\nb\r\nc"], [(b"a", False), (b"b", False)], b"c"),
        ([b"a\r", b"\nb\n"], [(b"a", False), (b"b", False)], b""),
        ([b"a\r", b"b\n"], [(b"a", False), (b"b", True)], b""),
        ([b"a\rb\rc\n", b"d\n"], [(b"a", False), (b"b", True), (b"c", True), (b"d", False)], b""),
        ([b"a\r", b"", b"b", b"c\n"], [(b"a", False), (b"bc", True)], b""),
        ([b"a\n\rb\n"], [(b"a", False), (b"", False), (b"b", True)], b""),
        ([b"\r\r\n"], [(b"", False), (b"", True)], b""),
        ([b""], [], b""),
    ],
)
def test_a_newline_a_return_or_both_end_a_line_and_a_return_alone_is_written_over(
    pieces: list[bytes], lines: list[tuple[bytes, bool]], rest: bytes
) -> None:
    assert split(*pieces) == (lines, rest)


@given(
    st.lists(st.sampled_from([b"a", b"bc", b"\r", b"\n", b"\r\n"]), max_size=20),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_pieces_change_nothing(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert split(*(data[start:end] for start, end in pairwise(edges))) == split(data)


def test_the_beginning_of_a_long_line_is_kept_and_no_more() -> None:
    for size in (MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE):
        (line, partial), small = split(b"x" * size, b"yz\nab"), split(*[b"x"] * size, b"yz\nab")
        assert line == [((b"x" * size + b"yz")[:MAX_LINE], False)]
        assert (partial, small) == (b"ab", (line, partial))


def test_a_progress_bar_of_100_000_states_takes_no_memory_and_little_time() -> None:
    splitter, begun, count = LineSplitter(), time.process_time(), 0
    for number in range(0, 100_000, 100):
        piece = b"".join(b"\r%d/100000 [00:12<00:34, 99.1it/s, loss=2.1]" % (number + one) for one in range(100))
        count += sum(1 for _ in splitter.feed(piece))
        assert len(splitter.partial) < 100
    assert count == 100_000
    assert time.process_time() - begun < 2
