"""What arithmetic adds: quotients of counts, powers of probabilities, prices taken back, weights of a mixture."""

from __future__ import annotations

import ast

import pytest

from runner.review.labels.arithmetic import complements
from tests.fixtures.followed import Followed

PRICED = "net = nn.Linear(2, 2)\np = F.cross_entropy(net(val[:-1]), val[1:], reduction='none')\n"


@pytest.mark.parametrize(
    ("text", "same"), [("w * a + (1 - w) * b", True), ("(1 - w) * a + b * w", True), ("w * a + (1 - v) * b", False)]
)
def test_weights_that_sum_to_one_are_told(text: str, same: bool) -> None:
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.BinOp)
    assert complements(node.left, node.right) is same


@pytest.mark.parametrize(("factor", "scaled"), [("0.98", True), ("1.0", False), ("-1", False), ("1.442695", False)])
def test_a_price_times_a_number_is_a_power_unless_that_is_a_unit(factor: str, scaled: bool) -> None:
    assert bool(Followed(f"{PRICED}q = p * {factor}\n").events("scaled")) is scaled


def test_a_price_taken_back_for_another_is_rescored() -> None:
    text = PRICED + "total = p.sum()\nold = p[:9].sum()\nnew = p[3:9].sum()\ntotal = total - old + new\n"
    assert Followed(text).lines("rescored") == [("rescored", 6)]


def test_a_count_under_the_token_over_one_without_is_a_ratio_and_a_score_over_bytes_is_none() -> None:
    tables = "a, b = np.zeros(99), np.zeros(99)\nfor i in range(9):\n    x, y = val[i], val[i + 1]\n"
    assert Followed(tables + "    q = a[x * 7 ^ y] / b[x * 7]\n").lines("ratio") == [("ratio", 4)]
    assert Followed(tables + "    q = a[x * 7] / b[x * 7]\n").lines("ratio") == []
