"""Functions of the language itself."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed


@pytest.mark.parametrize(
    ("call", "const"),
    [("int('7')", 7), ("min(3, 4)", 3), ("len('ab')", 2), ("getattr(0, 'none', 5)", 5), ("bool(0)", False)],
)
def test_what_is_known_is_worked_out(call: str, const: object) -> None:
    assert Followed(f"x = {call}\n")["x"].const == const


@pytest.mark.parametrize("many", ["zip([1], [val])", "enumerate([val])", "reversed([val])", "list(map(abs, [val]))"])
def test_items_of_what_is_gone_through_keep_their_labels(many: str) -> None:
    assert "val" in Followed(f"x = 0\nfor one in {many}:\n    x = one\n")["x"].all


def test_the_length_of_the_validation_text_is_a_count_and_no_text() -> None:
    assert Followed("x = len(val)\n")["x"].labels == {"count"}


def test_what_is_chosen_by_a_key_is_noted() -> None:
    text = "net = nn.Linear(2, 2)\nx = min([1, 2], key=lambda seed: F.cross_entropy(net(val), val))\n"
    assert Followed(text).lines("choose") == [("choose", 2)]
