"""Loops: what one round leaves to the next, and ways out of it."""

from __future__ import annotations

from tests.fixtures.followed import Followed


def test_what_one_round_leaves_reaches_the_next() -> None:
    assert "val" in Followed("x, y = 0, 0\nfor i in range(3):\n    y = x\n    x = val\n")["y"].labels


def test_what_holds_at_a_break_holds_after_the_loop() -> None:
    text = "x = 0\nfor i in range(3):\n    if i:\n        x = val\n        break\n    x = 1\n"
    assert "val" in Followed(text)["x"].labels


def test_a_loop_whose_test_is_false_is_passed_by() -> None:
    assert Followed("x = 0\nwhile False:\n    x = val\nelse:\n    x = 2\n")["x"].const == 2


def test_a_token_that_was_read_in_an_earlier_round_is_a_past_one() -> None:
    found = Followed("x, y = 0, 0\nfor i in range(3):\n    y = x\n    x = val[i]\n")
    assert {one.partition(":")[0] for one in found["y"].labels if one.startswith(("tok:", "past:"))} == {"past"}
