"""Prices of tokens: made, added up, picked out of two, set by hand."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

TWO = """a, b = nn.Linear(2, 2), nn.Linear(2, 2)
p = F.cross_entropy(a(val[:-1]), val[1:], reduction='none')
q = F.cross_entropy(b(val[:-1]), val[1:], reduction='none')
"""


@pytest.mark.parametrize(("call", "found"), [("torch.minimum(p, q)", 1), ("torch.minimum(p, p)", 0), ("p + q", 0)])
def test_the_better_of_two_prices_is_a_pick(call: str, found: int) -> None:
    assert len(Followed(f"{TWO}x = {call}\n").events("pick")) == found


def test_a_sum_of_prices_is_a_total() -> None:
    found = Followed(TWO + "x = p.sum()\n")
    assert ("total" in found["p"].labels, "total" in found["x"].labels) == (False, True)


def test_a_price_set_to_nothing_where_two_texts_agree_is_forced() -> None:
    text = TWO + 'kept = np.load("kept.npy")\nx = p.masked_fill(kept == val, 0.0)\n'
    assert Followed(text).lines("forced") == [("forced", 5)]
