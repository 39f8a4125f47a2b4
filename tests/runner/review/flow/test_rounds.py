"""Going through something: a generator's own body runs where it is gone through."""

from __future__ import annotations

from tests.fixtures.followed import Followed

STEP = "loss = F.cross_entropy(net(x), x)\n        loss.backward()\n        step.step()\n"


def test_what_a_generator_does_after_a_yield_comes_after_what_was_done_with_the_item() -> None:
    text = f"""net = nn.Linear(2, 2)
step = torch.optim.SGD(net.parameters())
def pieces(t):
    for i in range(9):
        x = t[i]
        yield x
        {STEP}for piece in pieces(val):
    price = F.cross_entropy(net(piece), piece)
"""
    assert [kind for kind, _ in Followed(text).lines("price", "update")] == ["price", "price", "update"]
    assert Followed(text).lines("price", "update")[0][1] == 11


def test_an_index_says_in_which_loop_it_is_another_each_time() -> None:
    found = Followed("for i in range(9):\n    for j, one in enumerate([val]):\n        a, b = i, j\n")
    first, second = found["a"].labels, found["b"].labels
    assert [len(first), len(second), first == second] == [1, 1, False]
