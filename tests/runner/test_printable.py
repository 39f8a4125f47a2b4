"""Text of scripts made fit for terminals and reports."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from runner.printable import control_in, print_line, printable, printable_bytes, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("step:1 loss\t2.5 – fine", "step:1 loss\t2.5 – fine"),
        ("\x1b[2J\x1b]0;title\x07gone", "�[2J�]0;title�gone"),
        ("50%\r100%\r", "50%�100%"),
        ("\x9b31mred", "�31mred"),
    ],
)
def test_controls_are_replaced_and_text_is_kept(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fineweb10B_sp1024", ""),
        ("Straße und 日本 – fine", ""),
        ("x\ndevice:cuda:0", "U+000A"),
        ("x\r", "U+000D"),
        ("\x1b[2J", "U+001B"),
        ("a\u2028b", "U+2028"),
        ("a\u202eb", "U+202E"),
        ("a\x85b", "U+0085"),
        ("a\udcffb", "U+DCFF"),
    ],
)
def test_what_makes_two_lines_of_one_is_found_and_letters_are_not(text: str, found: str) -> None:
    assert control_in(text) == found


@given(st.binary(max_size=300))
def test_no_control_byte_comes_through(noise: bytes) -> None:
    shown = printable_bytes(noise).decode()
    assert not any(ord(character) < 0x20 and character not in "\t\n" for character in shown)
    assert not any(0x7F <= ord(character) < 0xA0 for character in shown)


def test_a_line_is_printed_as_it_is_and_not_broken() -> None:
    out = io.StringIO()
    line = "[bold]seed[/bold] 1: 'text' 1234 " + "x" * 100
    print_line(Console(file=out, width=40, force_terminal=True), line)
    assert out.getvalue() == f"{line}\n"


def test_a_word_without_end_is_cut_in_a_message_and_many_words_are_not() -> None:
    words = "many words " * 500
    assert shortened(words) == words
    assert shortened(f"no run {'a' * 300} here") == f"no run {'a' * 300} here"
    assert shortened(f"no run {'a' * 301} here") == f"no run {'a' * 297}... here"
    assert shortened(f"{'/deep' * 1000}\n{'b' * 5000}: none") == f"{'/deep' * 59}/d...\n{'b' * 297}... none"
