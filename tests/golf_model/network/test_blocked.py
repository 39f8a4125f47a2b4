"""Attention by blocks is the same function as the other kernels, forward and backward, at any length."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golf_model.config.model import ModelConfig
from golf_model.config.runtime import LONG_SEQUENCE
from golf_model.network import blocked
from golf_model.network.attention import AttentionKernel, causal_mask, explicit_attention
from golf_model.network.blocked import BlockedAttention, blocks
from golf_model.network.gpt import GPT
from tests.fixtures.golden_cases import golden_tokens, set_golden_weights

MODEL = ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2)


def inputs(length: int, kv_heads: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, length, heads, 8, dtype=dtype) for heads in (4, kv_heads, kv_heads))
    return q.requires_grad_(), k.requires_grad_(), v.requires_grad_()


def explicit(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    mask = causal_mask(q.size(1), q.device, q.dtype)
    return explicit_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), mask).transpose(1, 2)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("length", [1, 5, 16, 37])
def test_blocks_give_the_explicit_softmax_and_its_gradients(
    length: int, kv_heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocked, "BLOCK", 16)
    monkeypatch.setattr(blocked, "CACHED_BYTES", 3 * 16 * 37 * 8)  # a few heads at a time, and not all
    q, k, v = inputs(length, kv_heads, torch.float64)
    found, expected = BlockedAttention.apply(q, k, v), explicit(q, k, v)  # type: ignore[no-untyped-call]
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    slope = torch.randn_like(found)
    mine, theirs = (torch.autograd.grad(y, (q, k, v), slope) for y in (found, expected))
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


def test_bfloat16_gradients_are_as_near_to_exact_ones_as_the_explicit_kernels() -> None:
    q, k, v = inputs(LONG_SEQUENCE + 70, 2, torch.bfloat16)
    slope = torch.randn_like(q)
    exact = torch.autograd.grad(explicit(*(x.double() for x in (q, k, v))), (q, k, v), slope.double())
    errors = []
    for y in (BlockedAttention.apply(q, k, v), explicit(q, k, v)):  # type: ignore[no-untyped-call]
        grads = torch.autograd.grad(y, (q, k, v), slope)
        pairs = zip(grads, exact, strict=True)
        errors.append([float((one - two).norm() / two.norm()) for one, two in pairs])
    assert all(mine < 1.2 * theirs for mine, theirs in zip(*errors, strict=True))


def test_every_query_of_every_head_is_in_exactly_one_block_and_sees_no_later_key() -> None:
    counted = torch.zeros(6, 700, dtype=torch.int64)
    for heads, places, seen in blocks(6, 2, 700, 2):
        counted[heads, places] += 1
        assert places.stop == seen <= 700
    assert counted.min() == counted.max() == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("last", [0, 40])
def test_a_long_text_scores_and_learns_as_with_the_explicit_kernel(dtype: torch.dtype, last: int) -> None:
    tokens = golden_tokens(LONG_SEQUENCE + 9, 64)
    ids, targets = tokens[:-1].view(1, -1), tokens[1:].view(1, -1)
    kernels: tuple[AttentionKernel, ...] = ("explicit", "blocks", "sdpa")
    losses, grads = [], []
    for kernel in kernels:
        network = GPT(replace(MODEL, xsa_last_n=1), dtype, kernel, "chunked")
        set_golden_weights(network)
        with torch.no_grad():
            losses.append(network(ids, targets, mean=False, last=last))
        network(ids, targets, mean=True).backward()
        grads.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    close = 1e-5 if dtype == torch.float32 else 0.05
    for other in (1, 2):
        assert losses[other].shape == losses[0].shape
        assert torch.allclose(losses[0], losses[other], atol=close)
        assert float((grads[0] - grads[other]).norm() / grads[0].norm()) < close


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("last", [0, 3])
def test_below_its_length_it_is_bit_for_bit_the_explicit_kernel(dtype: torch.dtype, last: int) -> None:
    tokens = golden_tokens(256, 64)
    ids, targets = tokens[:-1].view(1, -1), tokens[1:].view(1, -1)
    results = []
    kernels: tuple[AttentionKernel, ...] = ("explicit", "blocks")
    for kernel in kernels:
        network = GPT(MODEL, dtype, kernel, "chunked")
        set_golden_weights(network)
        losses = network(ids, targets, mean=True, last=last)
        losses.backward()
        results.append([losses.detach(), *(p.grad for p in network.parameters() if p.grad is not None)])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_no_logit_of_a_long_text_sees_a_later_token() -> None:
    network = GPT(MODEL, torch.bfloat16, "blocks", "chunked")
    set_golden_weights(network)
    ids = golden_tokens(LONG_SEQUENCE + 20, 64).view(1, -1)
    changed = ids.clone()
    changed[0, 300:] = (changed[0, 300:] + 7) % 64
    before, after = network.logits(ids), network.logits(changed)
    assert torch.equal(before[0, :300], after[0, :300])
    assert not torch.equal(before[0, 300], after[0, 300])
