"""Fake quantisation: off changes no bit, on rounds to the grid, and the gradient does not notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config.export import ExportConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.qat import QatConfig
from golf_model.network.gpt import GPT, LossModel
from golf_model.network.linear import CastedLinear
from golf_model.process.devices import why_no_compiler
from golf_model.quantization.quantize import dequantize, quantize
from golf_model.training.optimizers import build_optimizers
from golf_model.training.qat import FakeQuant, acts_in_training, acts_in_validation, acts_on_artifact, arm, switch
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from tests.fixtures.golden_cases import golden_network, golden_tokens

TINY = ModelConfig(
    vocab_size=64, num_layers=3, model_dim=64, num_heads=4, num_kv_heads=2, bigram=BigramConfig(64, 16)
)
SHALLOW = replace(TINY, num_layers=2)
"""Each layer is traced anew; one of each half of the skips is enough for a graph."""
ON = QatConfig("training")
GRIDS: tuple[Any, ...] = ("amax", "amax_floor", "unit_floor")


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = golden_tokens(2 * 32 + 1, 64)
    return tokens[:-1].view(2, 32), tokens[1:].view(2, 32)


def three_steps(network: GPT) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and weights of three optimizer steps."""
    optimizers, losses = build_optimizers(network, OptimConfig()), []
    for _ in range(3):
        losses.append(float(accumulate_gradients(network, [batch()], 1)))
        apply_gradients(optimizers, list(network.parameters()), 0.0)
    return losses, network.state_dict()


@pytest.mark.parametrize("qat", [QatConfig(), ON], ids=["off", "armed but switched off"])
def test_off_is_bit_identical(qat: QatConfig) -> None:
    plain, other = golden_network(TINY), golden_network(TINY)
    arm(other, qat, TINY.num_layers)
    switch(other, on=True)
    switch(other, on=False)
    (losses, weights), (other_losses, other_weights) = three_steps(plain), three_steps(other)
    assert losses == other_losses
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)


@torch.no_grad()
def test_on_changes_the_function_and_off_restores_it() -> None:
    network, (ids, targets) = golden_network(TINY), batch()
    before = float(network(ids, targets, mean=True))
    arm(network, ON, TINY.num_layers)
    switch(network, on=True)
    assert float(network(ids, targets, mean=True)) != before
    switch(network, on=False)
    assert float(network(ids, targets, mean=True)) == before


@given(st.sampled_from(GRIDS), st.sampled_from([127, 31, 15]), st.integers(0, 2**31), st.floats(1e-3, 10))
def test_values_lie_on_the_rows_grid_and_the_gradient_passes_through(
    grid: Any, levels: int, seed: int, size: float
) -> None:
    weight = torch.randn(4, 9, generator=torch.Generator().manual_seed(seed)) * size
    weight.requires_grad_()
    quantise = FakeQuant(levels, grid, "float32")
    found = quantise(weight, torch.float32)
    steps = found / quantise.scale(weight)
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    assert float(steps.detach().abs().max()) <= levels + 1e-3
    assert bool(((found - weight).abs() <= 0.5001 * quantise.scale(weight) + 1e-6).all())
    (gradient,) = torch.autograd.grad(found.sum(), weight)
    assert torch.equal(gradient, torch.ones_like(weight))


@pytest.mark.parametrize(("grid", "rows"), [("amax_floor", "amax_float32"), ("unit_floor", "clip_floor")])
def test_training_grid_is_nearly_the_exports(grid: Any, rows: Any) -> None:
    torch.manual_seed(0)
    weight = torch.randn(16, 64)
    stored = dequantize(*quantize(weight, "int6", ExportConfig(rows=rows)), torch.float32)
    trained = FakeQuant(31, grid, "float32")(weight, torch.float32)
    # Where the scales differ in their last digits, a weight halfway between two points may go to the other one.
    assert float(((trained - stored).abs() < 2e-3).float().mean()) > 0.99


@pytest.mark.parametrize("precision", ["compute", "mixed"])
def test_precision_of_the_grid_is_that_of_the_activations_where_asked(precision: Any) -> None:
    weight = torch.linspace(-1, 1, 48).view(4, 12)
    found = FakeQuant(31, "amax", precision)(weight, torch.bfloat16)
    assert found.dtype == torch.bfloat16
    exact = FakeQuant(31, "amax", "float32")(weight, torch.bfloat16)
    assert exact.dtype == torch.float32
    assert torch.allclose(found.float(), exact, atol=2e-2)


def armed(qat: QatConfig, model: ModelConfig = TINY) -> dict[str, int]:
    """Levels of every matrix that takes part."""
    network = golden_network(model)
    arm(network, qat, model.num_layers)
    layers = {name: module for name, module in network.named_modules() if isinstance(module, CastedLinear)}
    return {
        name: layer.fake_quant.levels for name, layer in layers.items() if isinstance(layer.fake_quant, FakeQuant)
    }


def test_every_matrix_takes_part_with_its_classes_bits() -> None:
    found = armed(replace(ON, mlp_bits=5, attn_bits=6))
    assert found["blocks.0.mlp.fc"] == found["blocks.2.mlp.proj"] == 15
    assert found["blocks.0.attn.c_q"] == found["bigram.proj"] == 31
    assert len(found) == 3 * 6 + 1


def test_an_untied_head_takes_part_and_a_tied_one_does_not() -> None:
    untied = armed(replace(ON, attn_bits=5), replace(TINY, tie_embeddings=False))
    assert untied["lm_head"] == 15
    assert not any("tok_emb" in name for name in untied)


def test_a_threshold_leaves_matrices_of_exactly_its_size_alone() -> None:
    size = TINY.model_dim**2
    assert "blocks.0.attn.c_q" not in armed(replace(ON, min_numel=size))
    assert "blocks.0.attn.c_q" in armed(replace(ON, min_numel=size - 1))


def test_small_matrices_and_late_keys_are_left_alone() -> None:
    every, large, early = armed(ON), armed(replace(ON, min_numel=32 * 64)), armed(replace(ON, late_k=2))
    assert every.keys() - large.keys() == {
        "bigram.proj",
        *(f"blocks.{layer}.attn.{key}" for layer in range(3) for key in ("c_k", "c_v")),
    }
    assert every.keys() - early.keys() == {"blocks.1.attn.c_k", "blocks.2.attn.c_k"}


@pytest.mark.parametrize(
    ("active", "training", "validation", "artifact"),
    [
        ("off", False, False, False),
        ("training", True, False, False),
        ("until_export", True, True, False),
        ("always", True, True, True),
    ],
)
def test_each_mode_acts_where_its_original_did(active: Any, training: bool, validation: bool, artifact: bool) -> None:
    qat = QatConfig(active, start_step=5)
    assert not acts_in_training(qat, 4)
    assert not acts_in_validation(qat, 4)
    assert acts_in_training(qat, 5) is training
    assert acts_in_validation(qat, 5) is validation
    assert acts_on_artifact(qat) is artifact


def gradients(network: GPT, model: LossModel) -> dict[str, torch.Tensor]:
    """Of every parameter that has elements, after one backward pass."""
    network.zero_grad()
    accumulate_gradients(model, [batch()], 1)
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("precision", ["float32", "compute", "mixed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_networks_gradient_is_that_of_a_network_whose_weights_lie_on_the_grid(
    precision: Any, dtype: torch.dtype
) -> None:
    network, rounded = golden_network(TINY, dtype), golden_network(TINY, dtype)
    arm(network, replace(ON, precision=precision), TINY.num_layers)
    switch(network, on=True)
    with torch.no_grad():
        for layer, other in zip(network.modules(), rounded.modules(), strict=True):
            if isinstance(layer, CastedLinear) and isinstance(other, CastedLinear):
                other.weight.copy_(layer.used_weight(dtype))
    found, expected = gradients(network, network), gradients(rounded, rounded)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        near = 1e-6 if dtype == torch.float32 else 2e-2
        assert float((value - expected[name]).norm()) <= near * float(expected[name].norm()) + 1e-9, name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while tracing
@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("compute", torch.bfloat16), ("mixed", torch.bfloat16)]
)
def test_forward_and_backward_on_the_grid_are_one_graph(precision: Any, dtype: torch.dtype) -> None:
    network = GPT(SHALLOW, dtype, "sdpa", "plain")
    network.load_state_dict(golden_network(SHALLOW).state_dict())
    arm(network, replace(ON, precision=precision), SHALLOW.num_layers)
    switch(network, on=True)
    network.position_tables(32, torch.device("cpu"))
    torch.compiler.reset()
    compiled = torch.compile(network, backend="eager", fullgraph=True, dynamic=False)
    found, expected = gradients(network, compiled), gradients(network, network)
    assert all(torch.allclose(found[name], expected[name], atol=1e-4) for name in expected)


@pytest.mark.slow
@pytest.mark.skipif(bool(why_no_compiler(torch.device("cpu"))), reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_compiled_network_keeps_both_graphs_when_it_is_switched_back_and_forth(dtype: torch.dtype) -> None:
    network, (ids, targets) = GPT(TINY, dtype, "sdpa", "plain"), batch()
    arm(network, ON, TINY.num_layers)
    torch.compiler.reset()
    network.position_tables(32, torch.device("cpu"))
    compiled = torch.compile(network, dynamic=False, fullgraph=True)
    torch._dynamo.utils.counters.clear()
    for on in (True, False, True, False):
        switch(network, on=on)
        assert float(compiled(ids, targets, mean=True)) == pytest.approx(
            float(network(ids, targets, mean=True)), abs=1e-5 if dtype == torch.float32 else 1e-2
        )
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2
