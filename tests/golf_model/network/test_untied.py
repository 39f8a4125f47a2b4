"""A head of its own, AdamW for the matrices, and the epsilon of the norms: options that are off change nothing."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from golf_model.config.export import ExportConfig
from golf_model.config.model import ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.shapes import schemes
from golf_model.training.muon import Muon
from golf_model.training.optimizers import build_optimizers, set_momentum
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from tests.fixtures.golden_cases import golden_network, golden_tokens
from tests.fixtures.golden_configs import CONFIGS
from tests.fixtures.places import GOLDENS

TINY = ModelConfig(vocab_size=64, num_layers=2, model_dim=64, num_heads=4, num_kv_heads=2)
UNTIED = replace(TINY, tie_embeddings=False)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = golden_tokens(2 * 32 + 1, 64)
    return tokens[:-1].view(2, 32), tokens[1:].view(2, 32)


@torch.no_grad()
def test_an_untied_head_stands_last_starts_at_zero_and_says_nothing_at_first() -> None:
    network = GPT(UNTIED, torch.float32, "explicit", "plain")
    assert list(network.state_dict())[-1] == "lm_head.weight"
    assert float(network.tok_emb.weight.std()) == pytest.approx(1.0, abs=0.05)
    assert float(network(*batch(), mean=True)) == pytest.approx(torch.tensor(64.0).log().item(), abs=1e-6)


@torch.no_grad()
def test_both_ways_to_the_loss_agree_on_an_untied_head() -> None:
    losses = []
    for head in ("plain", "chunked"):
        network = GPT(UNTIED, torch.float32, "explicit", head)
        network.load_state_dict(golden_network(UNTIED).state_dict())
        losses.append(float(network(*batch(), mean=True)))
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_an_untied_head_has_its_own_rate_and_the_embedding_another() -> None:
    optimizers = build_optimizers(GPT(UNTIED, torch.float32, "explicit", "plain"), OptimConfig())
    assert [group["base_lr"] for o in optimizers for group in o.param_groups] == [0.6, 0.008, 0.04, 0.04]
    assert isinstance(optimizers[2], Muon)


def test_an_untied_head_is_stored_as_embeddings_are() -> None:
    export = ExportConfig(embed="float16", mlp="int6", attn="int6", rows="amax_float16", passthrough_numel=512)
    stored = schemes(UNTIED, export)
    assert stored["lm_head.weight"] == stored["tok_emb.weight"] == "float16"


def test_a_head_of_its_own_shifts_no_other_initial_weight() -> None:
    networks = []
    for model in (TINY, UNTIED):
        torch.manual_seed(5)
        networks.append(GPT(model, torch.float32, "explicit", "plain").state_dict())
    tied, untied = networks
    assert untied.keys() - tied.keys() == {"lm_head.weight"}
    assert all(torch.equal(value, untied[name]) for name, value in tied.items() if name != "tok_emb.weight")


def test_the_rates_of_an_untied_head_change_nothing_where_it_is_tied() -> None:
    states = []
    for optim in (OptimConfig(), OptimConfig(embed_lr=9.0, head_lr=9.0)):
        network = golden_network(TINY)
        accumulate_gradients(network, [batch()], 1)
        apply_gradients(build_optimizers(network, optim), list(network.parameters()), 0.0)
        states.append(network.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_adamw_has_no_momentum_that_the_schedule_could_set() -> None:
    optimizers = build_optimizers(golden_network(TINY), OptimConfig(matrix_optimizer="adamw", matrix_lr=0.003))
    assert [group["base_lr"] for o in optimizers for group in o.param_groups] == [0.05, 0.003, 0.04]
    set_momentum(optimizers, 0.5)
    assert not any("momentum" in group for o in optimizers for group in o.param_groups)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_either_optimizer_of_the_matrices_brings_the_loss_down(optimizer: Any) -> None:
    network = golden_network(TINY)
    optim = OptimConfig(matrix_optimizer=optimizer, matrix_lr=0.02 if optimizer == "muon" else 0.003)
    optimizers = build_optimizers(network, optim)
    assert any(isinstance(one, Muon) for one in optimizers) is (optimizer == "muon")
    losses = []
    for _ in range(8):
        losses.append(float(accumulate_gradients(network, [batch()], 1)))
        apply_gradients(optimizers, list(network.parameters()), 0.0)
    assert losses[-1] < 0.5 * losses[0]


def test_the_norms_epsilon_matters_under_bfloat16_alone() -> None:
    @torch.no_grad()
    def loss(eps: Any, dtype: torch.dtype) -> float:
        network = golden_network(replace(TINY, norm_eps=eps), dtype)
        network.tok_emb.weight.mul_(0.05)  # small rows, where an epsilon shows
        return float(network(*batch(), mean=True))

    assert loss("compute", torch.float32) == loss("float32", torch.float32)
    assert abs(loss("compute", torch.bfloat16) - loss("float32", torch.bfloat16)) > 1e-3


GOLDEN_FILES = [
    path for path in sorted(GOLDENS.glob("golden_*.json")) if "state_dict" in json.loads(path.read_text())["full"]
]


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=[path.stem for path in GOLDEN_FILES])
def test_an_originals_final_model_loads_strictly(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    torch.manual_seed(0)
    saved = {
        name: torch.randn(shape).to(getattr(torch, dtype)) for name, shape, dtype in content["full"]["state_dict"]
    }
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    buffer.seek(0)
    model = CONFIGS[content["script"]].model
    network = GPT(model, torch.bfloat16, "explicit", "plain")
    apply_dtype_policy(network, model)
    network.load_state_dict(torch.load(buffer, weights_only=True), strict=True)
    assert all(torch.equal(value, saved[name]) for name, value in network.state_dict().items())
