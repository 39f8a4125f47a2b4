"""The network as a whole: causality, skips, what compilers and strict loading ask of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.process.devices import abilities
from golf_model.training.trainer import accumulate_gradients
from tests.fixtures.golden_cases import golden_network, golden_tokens

TINY = ModelConfig(
    vocab_size=64, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2, bigram=BigramConfig(128, 16)
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_logit_sees_a_later_token(dtype: torch.dtype) -> None:
    network = golden_network(TINY, dtype)
    ids = golden_tokens(24, 64).view(1, 24)
    changed = ids.clone()
    changed[0, 15:] = (changed[0, 15:] + 7) % 64
    before, after = network.logits(ids), network.logits(changed)
    assert torch.equal(before[0, :15], after[0, :15])
    assert not torch.equal(before[0, 15], after[0, 15])


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_any_number_of_layers_gives_finite_gradients_to_every_parameter(layers: int) -> None:
    network = golden_network(replace(TINY, num_layers=layers))
    ids = golden_tokens(33, 64)
    accumulate_gradients(network, [(ids[:-1].view(1, 32), ids[1:].view(1, 32))], 1)
    for name, parameter in network.named_parameters():
        if parameter.numel():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


def test_losses_of_all_targets_average_to_the_mean_loss() -> None:
    network = golden_network(TINY)
    ids = golden_tokens(65, 64)
    inputs, targets = ids[:-1].view(2, 32), ids[1:].view(2, 32)
    losses = network(inputs, targets, mean=False)
    assert losses.shape == (2, 32)
    assert torch.allclose(losses.mean(), network(inputs, targets, mean=True), atol=1e-6)


def test_length_may_change_between_calls() -> None:
    network = golden_network(TINY)
    ids = golden_tokens(16, 64).view(1, 16)
    short = network.logits(ids[:, :8])
    assert torch.allclose(network.logits(ids)[:, :8], short, atol=1e-5)
    assert torch.equal(network.logits(ids[:, :8]), short)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own, while tracing
def test_compiler_captures_the_cuda_variant_in_one_graph() -> None:
    network = GPT(TINY, torch.float32, "sdpa", "plain")
    ids = golden_tokens(33, 64)
    inputs, targets = ids[:-1].view(1, 32), ids[1:].view(1, 32)
    network.position_tables(32, torch.device("cpu"))
    compiled = torch.compile(network, backend="eager", fullgraph=True, dynamic=False)
    assert torch.allclose(compiled(inputs, targets, mean=True), network(inputs, targets, mean=True), atol=1e-6)


def test_faithful_precision_options_take_effect_only_under_bfloat16() -> None:
    faithful = replace(TINY, tok_emb_dtype="bfloat16", rope_table="bfloat16", init_rounding="bfloat16")
    for dtype, expected in ((torch.bfloat16, torch.bfloat16), (torch.float32, torch.float32)):
        network = GPT(faithful, dtype, "explicit", "chunked")
        apply_dtype_policy(network, faithful)
        assert network.tok_emb.weight.dtype == expected
        assert network.get_buffer("rope_frequencies").dtype == expected
        weight = network.state_dict()["blocks.0.attn.c_q.weight"]
        assert weight.dtype == torch.float32
        assert torch.equal(weight, weight.to(torch.bfloat16).float()) is (dtype == torch.bfloat16)


def test_default_keeps_every_parameter_in_float32_under_bfloat16() -> None:
    network = GPT(TINY, torch.bfloat16, "explicit", "chunked")
    apply_dtype_policy(network, TINY)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_named_precision_is_taken_wherever_it_is_slow(precision: str) -> None:
    chosen = abilities(RuntimeConfig(precision=precision), torch.device("cpu")).precision  # type: ignore[arg-type]
    assert str(chosen) == f"torch.{precision}"
