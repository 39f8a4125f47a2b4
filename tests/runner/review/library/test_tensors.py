"""Functions over tensors."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

NET = "net = nn.Linear(2, 2)\n"


@pytest.mark.parametrize(("reduction", "total"), [("", True), (", reduction='none'", False)])
def test_a_cross_entropy_is_a_price_of_each_token_or_of_all(reduction: str, total: bool) -> None:
    labels = Followed(f"{NET}p = F.cross_entropy(net(val[:-1]), val[1:]{reduction})\n")["p"].labels
    assert {"gold", "ln"} <= labels
    assert ("total" in labels) is total


def test_a_choice_by_a_price_is_a_weight_that_knows_the_token() -> None:
    text = NET + "p = F.cross_entropy(net(val[:-1]), val[1:], reduction='none')\nw = torch.where(p > 2, 0.1, 0.9)\n"
    assert Followed(text).lines("weight") == [("weight", 3)]


def test_fresh_tensors_hold_nothing_and_fitted_ones_are_leaves() -> None:
    found = Followed("a = torch.zeros(9)\nb = torch.zeros(9, requires_grad=True)\n")
    assert (set(found["a"].all), "leaf" in set(found["b"].labels)) == (set(), True)
    assert found.lines("leaf") == [("leaf", 2)]
