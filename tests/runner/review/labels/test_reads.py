"""What `base[key]` holds."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed


def test_an_item_of_a_text_is_a_token_of_its_own() -> None:
    found = Followed("x, y = val[3], val[4]\n")
    tokens = [{one for one in found[name].labels if one.startswith("tok:")} for name in "xy"]
    assert [len(one) for one in tokens] == [1, 1]
    assert tokens[0] != tokens[1]


def test_a_score_of_the_token_that_came_is_a_price() -> None:
    text = "net = nn.Linear(2, 2)\np = net(val[:-1]).softmax(-1)\nfor i in range(9):\n    q = p[i, val[i + 1]]\n"
    found = Followed(text)
    assert found.lines("price") == [("price", 4)]
    assert "gold" in found["q"].labels


@pytest.mark.parametrize(("bound", "cut"), [("1_000_000", 1), ("len(val) // 5", 1), ("64", 0), ("-1", 0)])
def test_a_validation_text_that_is_cut_off_is_noted(bound: str, cut: int) -> None:
    assert len(Followed(f"few = val[:{bound}]\n").events("cut")) == cut


def test_a_mask_says_which_items_and_not_what_they_hold() -> None:
    text = "a, b = np.zeros(9), np.zeros(9)\nx = a[val[:9]]\ny = b[val[:9] * 3]\nz = y[x > 2]\n"
    found = Followed(text)
    reads = {one for one in found["x"].labels if one.startswith("r:")}
    assert reads
    assert not reads & found["z"].labels


@pytest.mark.parametrize(("key", "apart"), [("x, y", True), ("0, x * 7 ^ y", False)])
def test_a_token_on_an_axis_of_its_own_is_told_from_one_mixed_into_the_key(key: str, apart: bool) -> None:
    text = f"t = np.zeros((9, 9))\nfor i in range(9):\n    x, y = val[i], val[i + 1]\n    c = t[{key}]\n"
    assert any("apart" in one.about for one in Followed(text).events("read")) is apart
