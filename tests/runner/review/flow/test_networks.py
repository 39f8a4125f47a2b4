"""What calling a network on tokens gives."""

from __future__ import annotations

from tests.fixtures.followed import Followed

NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 9)
    def forward(self, ids, targets=None):
        return self.table(ids)
    def count(self, ids):
        self.seen[ids] = 1
net = Net()
"""


def test_a_network_gives_scores_and_the_price_where_it_is_told_the_targets() -> None:
    found = Followed(NET + "a, b = net(val[:-1]), net(val[:-1], targets=val[1:])\n")
    assert ("logits" in found["a"].labels, "gold" in found["a"].labels, "gold" in found["b"].labels) == (
        True,
        False,
        True,
    )
    assert found.lines("price") == [("price", 10)]


def test_a_method_that_fills_a_table_is_followed() -> None:
    found = Followed(NET + "net.seen = np.zeros(9)\nnet.count(val)\n")
    assert found.lines("write") == [("write", 8)]
