"""The output head: softcapped logits against the embedding, and the cross-entropy of the next token.

Two ways to the same loss. `plain` is the textbook one and what a compiler fuses well. `chunked` is for CPU:
it walks over a few rows at a time that stay in cache, and computes the gradient of the logits in the same
walk, so that the (tokens, vocab) matrix is written once instead of a dozen times (the idea of Liger's fused
linear cross-entropy, arXiv 2410.10989).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

HeadKernel = Literal["plain", "chunked"]

CHUNK_ELEMENTS = 1 << 16
"""Logits per walk step: 256 KiB of fp32, a fraction of a core's L2 cache."""


def softcapped(z: Tensor, softcap: float) -> Tensor:
    """softcap * tanh(z / softcap), fp32."""
    return (softcap * torch.tanh(z / softcap)).float()


def plain_losses(x: Tensor, weight: Tensor, targets: Tensor, softcap: float) -> Tensor:
    """Cross-entropy of every target in nats, (tokens,) fp32, from x (tokens, dim) and weight (vocab, dim)."""
    return F.cross_entropy(softcapped(F.linear(x, weight), softcap), targets, reduction="none")


def walk_logits(z: Tensor, targets: Tensor, softcap: float, *, with_gradient: bool) -> Tensor:
    """Losses (tokens,) fp32 of raw logits z (tokens, vocab); with_gradient overwrites z by a quarter of d(sum of
    losses)/dz.

    softcap * tanh(z / softcap) is 2 * softcap * sigmoid(2 z / softcap) minus a constant that softmax ignores,
    and torch's vectorised sigmoid costs a sixth of its tanh.
    """
    losses = torch.empty(z.size(0), dtype=torch.float32, device=z.device)
    rows = max(1, CHUNK_ELEMENTS // z.size(1))
    walk = (torch.split(tensor, rows) for tensor in (z, targets[:, None], losses))
    for piece, aims, result in zip(*walk, strict=True):
        gate = (piece.float() * (2.0 / softcap)).sigmoid_()
        capped = gate * (2.0 * softcap)
        chosen = capped.gather(1, aims)
        top = capped.amax(1, keepdim=True)
        share = torch.softmax(capped, 1)
        torch.sub(top - chosen, share.amax(1, keepdim=True).log_(), out=result[:, None])
        if with_gradient:
            share.scatter_add_(1, aims, torch.full_like(chosen, -1.0))
            slope = torch.addcmul(gate, gate, gate, value=-1.0)
            piece.copy_(share.mul_(slope))
    return losses


class ChunkedMeanLoss(torch.autograd.Function):
    """Mean cross-entropy of the head whose gradients are ready when the forward pass ends."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, softcap: float) -> Tensor:
        """x (tokens, dim), weight (vocab, dim) of one dtype, targets (tokens,) int64 -> () fp32."""
        z = F.linear(x, weight)
        losses = walk_logits(z, targets, softcap, with_gradient=True)
        ctx.save_for_backward(z, x, weight)
        return losses.mean()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Gradients of x and weight."""
        slopes, x, weight = ctx.saved_tensors
        scale = 4.0 * grad / x.size(0)  # walk_logits' quarter
        return (slopes @ weight).mul_(scale), (slopes.T @ x).mul_(scale), None, None


@torch.no_grad()
def chunked_losses(x: Tensor, weight: Tensor, targets: Tensor, softcap: float) -> Tensor:
    """As `plain_losses`, without a gradient."""
    return walk_logits(F.linear(x, weight), targets, softcap, with_gradient=False)
