"""The feed-forward half."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from golf_model.config.model import ModelConfig
from golf_model.network.gpt import GPT
from golf_model.network.mlp import MLP, SquaredLeakyRelu, SquaredRelu
from golf_model.shapes import parameter_shapes

TINY = ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2)


def test_squared_relu_is_zero_below_and_square_above() -> None:
    found = SquaredRelu.apply(torch.tensor([-2.0, 0.0, 3.0]))  # type: ignore[no-untyped-call]
    assert found.tolist() == [0.0, 0.0, 9.0]


def test_squared_leaky_relu_is_a_quarter_of_the_square_below() -> None:
    found = SquaredLeakyRelu.apply(torch.tensor([-2.0, 0.0, 3.0]))  # type: ignore[no-untyped-call]
    assert found.tolist() == [1.0, 0.0, 9.0]


@pytest.mark.parametrize("activation", [SquaredRelu, SquaredLeakyRelu])
def test_written_gradient_of_an_activation_is_its_derivative(activation: type[torch.autograd.Function]) -> None:
    x = torch.tensor([-1.5, -0.1, 0.2, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(activation.apply, (x,))


@pytest.mark.parametrize(("kind", "slope"), [("relu2", 0.0), ("leaky_relu2", 0.5)])
def test_configured_activation_is_the_one_applied(kind: str, slope: float) -> None:
    torch.manual_seed(0)
    mlp = MLP(replace(TINY, mlp_activation=kind))  # type: ignore[arg-type]
    x = torch.randn(3, 32)
    expected = F.leaky_relu(x @ mlp.fc.weight.T, slope).square() @ mlp.proj.weight.T
    assert torch.allclose(mlp(x, torch.ones(32)), expected, atol=1e-6)


def test_activation_draws_no_random_numbers_and_names_nothing() -> None:
    states = []
    for kind in ("relu2", "leaky_relu2"):
        torch.manual_seed(3)
        model = replace(TINY, mlp_activation=kind)
        states.append(GPT(model, torch.float32, "explicit", "chunked").state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_fractional_multiple_rounds_the_hidden_width_down() -> None:
    model = replace(TINY, mlp_mult=2.6)
    assert MLP(model).fc.weight.shape == (83, 32)
    assert parameter_shapes(model)["blocks.0.mlp.proj.weight"] == (32, 83)
