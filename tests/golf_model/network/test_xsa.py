"""Exclusive attention: its formula, and which blocks use it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf_model.config.model import ModelConfig
from golf_model.network.block import Block
from golf_model.network.gpt import GPT
from golf_model.network.xsa import exclusive_attention
from tests.fixtures.golden_cases import golden_network, golden_tokens

TINY = ModelConfig(vocab_size=64, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2)


def test_nothing_is_left_along_the_own_value_of_the_heads_group() -> None:
    torch.manual_seed(0)
    y, v = torch.randn(2, 5, 4, 8), torch.randn(2, 5, 2, 8)
    found = exclusive_attention(y, v)
    repeated = v.repeat_interleave(2, dim=2)
    assert (found * repeated).sum(-1).abs().max() < 1e-5
    unit = repeated / repeated.norm(dim=-1, keepdim=True)
    assert torch.allclose(found, y - (y * unit).sum(-1, keepdim=True) * unit, atol=1e-6)


def test_zero_value_removes_nothing() -> None:
    y = torch.ones(1, 2, 2, 4)
    assert torch.equal(exclusive_attention(y, torch.zeros(1, 2, 1, 4)), y)


def test_only_the_last_blocks_use_it() -> None:
    network = GPT(replace(TINY, xsa_last_n=2), torch.float32, "explicit", "chunked")
    assert [isinstance(b, Block) and b.attn.exclusive for b in network.blocks] == [False, True, True]


@pytest.mark.parametrize("last", [1, 3])
def test_it_has_no_parameters_and_changes_the_function(last: int) -> None:
    off, on = golden_network(TINY), golden_network(replace(TINY, xsa_last_n=last))
    assert list(off.state_dict()) == list(on.state_dict())
    ids = golden_tokens(32, 64).view(1, 32)
    assert not torch.allclose(off.logits(ids), on.logits(ids), atol=1e-4)


def test_off_is_bit_identical_whatever_the_kernel_sees() -> None:
    torch.manual_seed(1)
    plain = GPT(TINY, torch.float32, "explicit", "chunked")
    torch.manual_seed(1)
    off = GPT(replace(TINY, xsa_last_n=0), torch.float32, "explicit", "chunked")
    ids = golden_tokens(32, 64).view(1, 32)
    assert torch.equal(plain.logits(ids), off.logits(ids))


def test_both_kernels_agree() -> None:
    ids = golden_tokens(32, 64).view(1, 32)
    explicit = golden_network(replace(TINY, xsa_last_n=2))
    fused = GPT(replace(TINY, xsa_last_n=2), torch.float32, "sdpa", "plain")
    fused.load_state_dict(explicit.state_dict())
    assert torch.allclose(explicit.logits(ids), fused.logits(ids), atol=1e-5)


def test_its_own_backward_pass_is_exact() -> None:
    torch.manual_seed(2)
    y, v = (torch.randn(2, 3, heads, 4, dtype=torch.float64, requires_grad=True) for heads in (4, 2))
    assert torch.autograd.gradcheck(exclusive_attention, (y, v))


def test_head_by_head_it_gives_what_torchs_own_steps_give(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    y, v = torch.randn(2, 5, 4, 8), torch.randn(2, 5, 2, 8)
    by_hand = exclusive_attention(y, v)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert torch.equal(by_hand, exclusive_attention(y, v))
