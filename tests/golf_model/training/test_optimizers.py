"""Groups, rates and clipping."""

from __future__ import annotations

import pytest
import torch

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.network.gpt import GPT
from golf_model.training.optimizers import (
    build_optimizers,
    clip_gradients,
    set_decay,
    set_learning_rates,
    set_momentum,
    split_parameters,
)

TINY = ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2)


def network() -> GPT:
    return GPT(TINY, torch.float32, "explicit", "plain")


def test_every_parameter_belongs_to_exactly_one_group() -> None:
    built = network()
    grouped = [id(parameter) for group in split_parameters(built) for parameter in group]
    assert sorted(grouped) == sorted(id(parameter) for parameter in built.parameters())


def test_one_multiplier_scales_every_base_rate() -> None:
    optimizers = build_optimizers(network(), OptimConfig())
    set_learning_rates(optimizers, 0.25)
    assert [group["lr"] for o in optimizers for group in o.param_groups] == [0.0125, 0.01, 0.01]
    set_learning_rates(optimizers, 1.0)
    assert [group["lr"] for o in optimizers for group in o.param_groups] == [0.05, 0.04, 0.04]


def test_weight_decay_makes_adam_decoupled_and_shrinks_what_has_no_gradient() -> None:
    built = network()
    embeddings, muon, gains = build_optimizers(built, OptimConfig(adam_weight_decay=0.01))
    assert isinstance(embeddings, torch.optim.AdamW)
    assert isinstance(gains, torch.optim.AdamW)
    assert muon.param_groups[0]["weight_decay"] == 0.0
    built.skip_weights.grad = torch.zeros_like(built.skip_weights)
    gains.step()
    assert torch.allclose(built.skip_weights, torch.tensor(1.0 - 0.04 * 0.01))


def test_no_weight_decay_is_plain_adam_with_a_group_for_each_table() -> None:
    model = ModelConfig(
        vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2, bigram=BigramConfig(64, 8)
    )
    built = GPT(model, torch.float32, "explicit", "plain")
    embeddings, _, gains = build_optimizers(built, OptimConfig())
    assert (type(embeddings), type(gains)) == (torch.optim.Adam, torch.optim.Adam)
    assert [len(group["params"]) for group in embeddings.param_groups] == [1, 1]
    assert [group["base_lr"] for group in embeddings.param_groups] == [0.05, 0.05]


def test_momentum_is_set_on_muon() -> None:
    optimizers = build_optimizers(network(), OptimConfig())
    set_momentum(optimizers, 0.87)
    assert [group.get("momentum") for o in optimizers for group in o.param_groups] == [None, 0.87, None]


@pytest.mark.parametrize(("limit", "expected"), [(0.0, 5.0), (10.0, 5.0), (1.0, 1.0)])
def test_clipping_limits_the_global_norm_and_zero_turns_it_off(limit: float, expected: float) -> None:
    weights = [torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)]
    weights[0].grad, weights[1].grad = torch.tensor([3.0]), torch.tensor([4.0])
    clip_gradients(weights, limit)
    norm = sum(float(weight.grad.square()) for weight in weights if weight.grad is not None) ** 0.5
    assert norm == pytest.approx(expected, rel=1e-4)


def test_the_embedding_decays_by_its_own_share_or_by_that_of_all() -> None:
    built = network()
    own, usual = (
        [optimizer.param_groups[0].get("weight_decay") for optimizer in build_optimizers(built, optim)]
        for optim in (
            OptimConfig(adam_weight_decay=0.02, embed_weight_decay=0.085),
            OptimConfig(adam_weight_decay=0.02),
        )
    )
    assert (own[0], own[-1]) == (0.085, 0.02)
    assert (usual[0], usual[-1]) == (0.02, 0.02)
    plain = build_optimizers(built, OptimConfig(adam_weight_decay=0.02, embed_weight_decay=0.0))[0]
    assert type(plain) is torch.optim.Adam


def test_decay_is_set_on_muon_alone() -> None:
    optimizers = build_optimizers(network(), OptimConfig(adam_weight_decay=0.02, muon_weight_decay=0.1))
    set_decay(optimizers, 0.05)
    assert [optimizer.param_groups[0]["weight_decay"] for optimizer in optimizers] == [0.02, 0.05, 0.02]
