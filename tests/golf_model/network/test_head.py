"""The chunked loss is the plain loss."""

from __future__ import annotations

import pytest
import torch

from golf_model.network.head import CHUNK_ELEMENTS, ChunkedMeanLoss, chunked_losses, plain_losses


@pytest.mark.parametrize(("tokens", "vocab"), [(1, 5), (300, 700), (CHUNK_ELEMENTS // 700, 700), (3, 70_000)])
def test_chunked_losses_equal_plain_ones(tokens: int, vocab: int) -> None:
    torch.manual_seed(0)
    x, weight, targets = torch.randn(tokens, 8), torch.randn(vocab, 8) * 3, torch.randint(vocab, (tokens,))
    found = chunked_losses(x, weight, targets, 30.0)
    assert torch.allclose(found, plain_losses(x, weight, targets, 30.0), atol=2e-5)


def test_chunked_gradients_equal_plain_ones() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(200, 16) * 2, torch.randn(900, 16) * 2
    targets = torch.randint(900, (200,))
    gradients = []
    for chunked in (True, False):
        inputs = x.clone().requires_grad_(), weight.clone().requires_grad_()
        if chunked:
            loss = ChunkedMeanLoss.apply(*inputs, targets, 15.0)  # type: ignore[no-untyped-call]
        else:
            loss = plain_losses(*inputs, targets, 15.0).mean()
        gradients.append(torch.autograd.grad(loss * 3.0, inputs))
    for found, expected in zip(*gradients, strict=True):
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_saturated_logits_give_a_finite_loss() -> None:
    x, weight = torch.full((2, 4), 1e4), torch.cat((torch.ones(1, 4), -torch.ones(1, 4)))
    losses = chunked_losses(x, weight, torch.tensor([0, 1]), 60.0)
    assert losses.tolist() == pytest.approx([0.0, 120.0], abs=1e-3)


def test_large_softcap_does_not_overflow() -> None:
    x, weight = torch.tensor([[1.0]]), torch.tensor([[400.0], [-400.0]])
    assert chunked_losses(x, weight, torch.tensor([1]), 500.0).isfinite().all()
