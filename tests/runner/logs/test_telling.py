"""Lines that may tell something are found fast, and are those that the readers of a log take something from."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.logs.lines import MAX_LINE
from runner.logs.log_facts import PATTERNS
from runner.logs.telling import BEGINNINGS, every, telling

OURS = [
    "score rule:plain tokens:100 bytes:240 val_loss:2.5 val_bpb:1.5",
    "final_score rule:plain tokens:100 bytes:240 val_loss:2.5 val_bpb:1.5",
    f"script_sha256:{'0' * 64} code_bytes:9",
    "python:3.12.3 torch:2.13.0 numpy:2.4.6",
    f"file:val name:fineweb_val_000000.bin bytes:9 sha256:{'0' * 64}",
    "shards:train files:80 tokens:9",
    "val_loader:shards pattern:x tokens:62021632",
    'config:{"model": {}}',
]
"""Lines that only our script writes, as tests of their readers have them."""


@pytest.mark.parametrize("line", [*(pattern.example for pattern in PATTERNS), *OURS])
def test_every_line_that_a_reader_knows_is_found_in_any_case_of_letters(line: str) -> None:
    for text in (line, line.upper()):
        assert list(telling([f"noise\n{text}\nnoise".encode()])) == [text.encode()]


PIECES = st.sampled_from(
    [*(one.encode() for one in BEGINNINGS), b"step:1/2", b"\n", b"\r", b"\r\n", b"x", b"\xff\x00"]
)


@settings(max_examples=100)
@given(st.lists(PIECES, max_size=40), st.lists(st.integers(0, 400), max_size=6))
def test_in_whatever_pieces_it_comes_it_finds_the_lines_that_begin_so(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    begins = re.compile("|".join(map(re.escape, BEGINNINGS)).encode(), re.IGNORECASE)
    assert list(telling(pieces)) == [line for line in every([data]) if begins.match(line)]


def test_a_line_without_end_is_cut_and_the_next_one_found() -> None:
    pieces = [b"step:1/2 ", *[b"y" * 1_000_000] * 20, b"\nstep:2/2\n"]
    first, second = telling(pieces)
    assert (len(first), first[:10], second) == (MAX_LINE, b"step:1/2 y", b"step:2/2")


def test_a_hundred_megabytes_that_say_nothing_are_passed_over_in_seconds() -> None:
    noise = b"a\n" * (1 << 19)
    began = time.process_time()
    assert list(telling([noise] * 100)) == []
    assert time.process_time() - began < 5.0
