"""The two attention kernels compute one function."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf_model.config.model import ModelConfig
from golf_model.network.attention import AttentionKernel, causal_mask, explicit_attention
from golf_model.network.gpt import GPT
from tests.fixtures.golden_cases import golden_tokens, set_golden_weights

TINY = ModelConfig(vocab_size=64, num_layers=2, model_dim=48, num_heads=6, num_kv_heads=6)


@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_explicit_and_fused_attention_agree(kv_heads: int) -> None:
    model = replace(TINY, num_kv_heads=kv_heads)
    ids = golden_tokens(40, 64).view(2, 20)
    logits = []
    kernels: tuple[AttentionKernel, ...] = ("explicit", "sdpa")
    for kernel in kernels:
        network = GPT(model, torch.float32, kernel, "plain")
        set_golden_weights(network)
        logits.append(network.logits(ids))
    assert torch.allclose(logits[0], logits[1], atol=1e-5)


def test_query_heads_share_the_key_head_of_their_group() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    mask = causal_mask(5, torch.device("cpu"), torch.float32)
    found = explicit_attention(q, k, v, mask)
    repeated = explicit_attention(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1), mask)
    assert torch.allclose(found, repeated, atol=1e-6)


def test_first_position_attends_to_itself_only() -> None:
    v = torch.randn(1, 1, 4, 2)
    found = explicit_attention(
        torch.randn(1, 1, 4, 2), torch.randn(1, 1, 4, 2), v, causal_mask(4, torch.device("cpu"), torch.float32)
    )
    assert torch.allclose(found[0, 0, 0], v[0, 0, 0])
