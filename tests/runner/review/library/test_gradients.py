"""Weights: what steps, loads, copies and watches them."""

from __future__ import annotations

import pytest

from tests.fixtures.followed import Followed

NET = "net = nn.Linear(2, 2)\nstep = torch.optim.SGD(net.parameters(), lr=0.1)\n"
LOSS = "loss = F.cross_entropy(net(val[:-1]), val[1:])\n"


@pytest.mark.parametrize(
    "learn",
    [
        "loss.backward()\nstep.step()\n",
        "for g, w in zip(torch.autograd.grad(loss, net.parameters()), net.parameters()):\n    w.data.add_(g)\n",
        "def closure():\n    loss.backward()\n    return loss\nstep.step(closure)\n",
    ],
)
def test_a_step_on_a_loss_is_an_update_of_the_weights_by_what_the_loss_holds(learn: str) -> None:
    found = Followed(NET + LOSS + learn)
    (update,) = found.events("update")
    assert "val" in update.labels
    assert update.other == found["net"].labels


def test_copies_and_loads_of_weights_are_told() -> None:
    text = NET + "kept = copy.deepcopy(net)\nbest = net.weight.clone()\nnet.load_state_dict(kept.state_dict())\n"
    assert Followed(text).lines("load", "snap") == [("load", 3), ("snap", 4), ("load", 5)]


def test_what_a_hook_keeps_carries_the_mark_of_what_ran_through() -> None:
    text = "seen = {}\ndef watch(layer, given, made):\n    seen['x'] = given[0].abs().sum()\n"
    text += "hook = net.register_forward_hook(watch)\nnet(val)\nhook.remove()\nnet(val)\n"
    found = Followed(NET + text)
    (fit,) = found.events("fit")
    assert (fit.place.line, f"fit:{fit.serial}" in found["seen"].all) == (7, True)


@pytest.mark.parametrize(
    "made",
    [
        "d = torch.zeros(1, 4).requires_grad_()",
        "d = torch.zeros(1, 4)\nd.requires_grad_(True)",
        "d = torch.zeros(1, 4)\nd.requires_grad = True",
        "d = torch.zeros(1, 4, requires_grad=True)",
    ],
)
def test_a_tensor_that_is_to_be_fitted_is_a_leaf_however_that_is_said(made: str) -> None:
    found = Followed(made + "\n")
    (leaf,) = found.events("leaf")
    assert leaf.about.startswith("torch.zeros(1, 4")
    assert "leaf" in found["d"].labels


def test_a_tensor_that_is_not_to_be_fitted_and_weights_are_no_leaves() -> None:
    text = "d = torch.zeros(4)\nd.requires_grad_(False)\nnet = nn.Linear(2, 2)\nnet.weight.requires_grad_(True)\n"
    assert Followed(text).events("leaf") == []
