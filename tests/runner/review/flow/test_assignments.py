"""Assignments to names, attributes, items; sums that grow."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

PRICED = "net = nn.Linear(2, 2)\np = F.cross_entropy(net(val[:-1]), val[1:], reduction='none')\n"


@pytest.mark.parametrize(
    "text", ["a, x = 1, val", "a, (b, x) = 1, (2, val)", "x: object = val", "a = x = val", "[x] = [val]"]
)
def test_a_value_gets_to_its_name(text: str) -> None:
    assert "val" in Followed(text + "\n")["x"].labels


def test_a_price_that_is_added_is_a_score_and_one_put_into_an_array_is_a_store() -> None:
    found = Followed(PRICED + "total = 0\ntotal += p.sum()\nout = np.zeros(9)\nout[3:5] = p\n")
    assert found.lines("score", "store") == [("score", 4), ("store", 6)]


def test_weights_that_are_changed_by_a_gradient_are_an_update_and_set_to_others_a_load() -> None:
    net = "net, other = nn.Linear(2, 2), nn.Linear(2, 2)\nloss = F.cross_entropy(net(val), val)\nloss.backward()\n"
    text = net + "net.weight.data = net.weight - 0.1 * net.weight.grad\nnet.weight.data = other.weight\n"
    assert Followed(text).lines("update", "load") == [("update", 4), ("load", 5)]


def test_a_constant_does_not_outlast_a_loop_that_changes_it() -> None:
    assert Followed("n = 1\nfor i in range(3):\n    n += 1\n")["n"].known is False
