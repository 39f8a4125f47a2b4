"""Lines of anybody's text: encodings, carriage returns, prefixes, bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.audit.reading.text import CHUNK, MAX_LINE, bare, encoding_of, read_lines, read_text

TEXT = "seed:42\nstep:1/2 train_loss:6.9\nfinal ± val_bpb:1.2\n"
LINES = [(1, "seed:42"), (2, "step:1/2 train_loss:6.9"), (3, "final ± val_bpb:1.2")]


def lines_of(tmp_path: Path, data: bytes) -> list[tuple[int, str]]:
    path = tmp_path / "log"
    path.write_bytes(data)
    return list(read_lines(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_usual_encoding_gives_the_same_lines(encoding: str, tmp_path: Path) -> None:
    assert lines_of(tmp_path, TEXT.encode(encoding)) == LINES


def test_windows_line_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    assert lines_of(tmp_path, TEXT.strip().replace("\n", "\r\n").encode()) == LINES


def test_a_progress_bar_is_parts_of_one_line(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"10%\r20%\rval_bpb:1.2\nnext\n") == [
        (1, "10%"),
        (1, "20%"),
        (1, "val_bpb:1.2"),
        (2, "next"),
    ]


def test_a_broken_character_costs_itself_only(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"\xff\xfeseed:42"[2:] + b"\nbad \xff byte\n")[1] == (2, "bad \ufffd byte")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[rank0]: seed:42", "seed:42"),
        ("[default0]:seed:42", "seed:42"),
        ("[default0]:[rank0]: seed:42", "seed:42"),
        ("[rank3]: seed:42", ""),
        ("2026-03-20 12:00:00,123 - INFO - seed:42", "seed:42"),
        ("[2026-03-20T12:00:00Z] seed:42", "seed:42"),
        ("\x1b[32mseed:42\x1b[0m", "seed:42"),
        ("(train pid=123, ip=10.0.0.1) seed:42", "seed:42"),
        ("step:1/2 [rank0]", "step:1/2 [rank0]"),
    ],
)
def test_launchers_prefixes_are_taken_off(line: str, expected: str) -> None:
    assert bare(line) == expected


def test_a_long_line_is_cut_and_the_next_ones_keep_their_numbers(tmp_path: Path) -> None:
    found = lines_of(tmp_path, b"x" * (3 * CHUNK) + b"\nseed:42\n")
    assert [number for number, _ in found] == [1, 2]
    assert len(found[0][1]) == MAX_LINE
    assert found[1] == (2, "seed:42")


def test_a_whole_file_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "big").write_text("x" * 1000)
    assert len(read_text(tmp_path / "big", 100)) == 100


@given(st.text(st.characters(exclude_characters="\r\n\x1b", exclude_categories=["Cs", "Cc"]), max_size=300))
def test_utf16_is_told_from_text_without_a_mark(text: str) -> None:
    assert encoding_of(text.encode("utf-8")) == "utf-8" or "\0" in text


@given(noise=st.binary(max_size=4000))
def test_noise_is_read_without_error(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(noise)
    assert all(number >= 1 and text and len(text) <= MAX_LINE for number, text in read_lines(path))
