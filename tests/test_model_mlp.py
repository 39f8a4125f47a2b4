"""The feed-forward half."""

from __future__ import annotations

import torch

from golf_model.mlp import SquaredRelu


def test_squared_relu_is_zero_below_and_square_above() -> None:
    found = SquaredRelu.apply(torch.tensor([-2.0, 0.0, 3.0]))  # type: ignore[no-untyped-call]
    assert found.tolist() == [0.0, 0.0, 9.0]


def test_written_gradient_of_squared_relu_is_its_derivative() -> None:
    x = torch.tensor([-1.5, -0.1, 0.2, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SquaredRelu.apply, (x,))
