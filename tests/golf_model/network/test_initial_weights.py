"""Initial weights: torch's own, and the orthogonal ones of PR #102."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.network.gpt import GPT

MODEL = ModelConfig(
    vocab_size=64, num_layers=2, model_dim=128, num_heads=4, num_kv_heads=1, bigram=BigramConfig(128, 64)
)


def state(model: ModelConfig) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    return GPT(model, torch.float32, "explicit", "chunked").state_dict()


def singular_values(weight: torch.Tensor) -> torch.Tensor:
    values: torch.Tensor = torch.linalg.svdvals(weight)
    return values


def test_large_matrices_are_orthogonal_small_ones_and_zero_ones_are_not() -> None:
    found = state(replace(MODEL, linear_init="orthogonal"))
    for name in ("attn.c_q", "mlp.fc"):
        assert torch.allclose(singular_values(found[f"blocks.1.{name}.weight"]), torch.ones(128), atol=1e-4)
    assert singular_values(found["blocks.1.attn.c_k.weight"]).std() > 1e-2  # 32 rows: torch's own
    assert not found["blocks.1.attn.proj.weight"].any()
    assert not found["blocks.1.mlp.proj.weight"].any()
    expected = torch.full((64,), 1 / math.sqrt(4))
    assert torch.allclose(singular_values(found["bigram.proj.weight"]), expected, atol=1e-4)


def test_default_leaves_torchs_own_uniform_weights() -> None:
    weight = state(MODEL)["blocks.0.attn.c_q.weight"]
    torch.manual_seed(5)
    torch.nn.Embedding(64, 128)
    assert torch.equal(weight, torch.nn.Linear(128, 128, bias=False).weight)
