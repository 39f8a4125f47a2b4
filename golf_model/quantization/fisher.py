"""What the loss thinks of each output of each matrix: Fisher information, on training tokens, for shaped steps.

The mean over tokens of the squared gradient of the summed loss by the output, real next tokens as targets (the
empirical Fisher information; Kronecker-factored curvature, arXiv 1503.05671). One forward and one backward pass with
hooks on outputs: nothing per sample, nothing of second order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from golf_model.network.attention import CausalSelfAttention
from golf_model.network.gpt import GPT
from golf_model.network.linear import CastedLinear


def _watch(sums: dict[str, Tensor], output: Tensor, sizes: dict[str, int], gain: Tensor | None = None) -> Tensor:
    """The output (..., all rows), whose gradient, before its row gain, is added to the sums matrix by matrix."""

    def take(gradient: Tensor) -> None:
        squares = gradient.detach().float().flatten(0, 1).flatten(1).square().sum(0)
        if gain is not None:
            squares = squares * gain.detach().float().square()
        for name, part in zip(sizes, torch.split(squares, [*sizes.values()]), strict=True):
            sums[name] = sums[name] + part if name in sums else part

    if output.requires_grad:
        output.register_hook(take)  # type: ignore[no-untyped-call]
    return output


def _projecting(sums: dict[str, Tensor], name: str, module: CausalSelfAttention) -> Callable[..., Tensor]:
    """The method by which attention takes its three products as one, watched."""
    project, names = module._project, {id(part): f"{name}.{own}.weight" for own, part in module.named_children()}

    def watched(x: Tensor, *layers: CastedLinear) -> Tensor:
        return _watch(sums, project(x, *layers), {names[id(layer)]: len(layer.weight) for layer in layers})

    return watched


def _applying(sums: dict[str, Tensor], name: str) -> Callable[..., None]:
    """A forward hook of a matrix that is applied alone."""

    def watched(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        _watch(sums, output, {f"{name}.weight": output.size(-1)}, inputs[1] if len(inputs) > 1 else None)

    return watched


@contextmanager
def _tapped(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Every matrix of the layers watched; the output head is not: tied, it is the embedding as well."""
    sums: dict[str, Tensor] = {}
    handles, attentions = [], []
    for name, module in network.named_modules():
        if isinstance(module, CausalSelfAttention):
            module._project = _projecting(sums, name, module)  # type: ignore[method-assign]
            attentions.append(module)
        elif isinstance(module, CastedLinear) and name.rpartition(".")[2] not in ("c_q", "c_k", "c_v", "lm_head"):
            handles.append(module.register_forward_hook(_applying(sums, name)))
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()
        for attention in attentions:
            del attention._project


def collect_fisher(network: GPT, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """(rows,) fp32 sum over tokens of squared gradients of the summed loss, by the matrix's name.

    batches: token ids and targets, (sequences, time) int64 each. Gradients of the parameters are left as they were.
    """
    anchors = [network.tok_emb.weight, *([network.bigram.embed.weight] if network.bigram is not None else [])]
    with _tapped(network) as sums, torch.enable_grad():
        for ids, targets in batches:
            loss = network(ids, targets, mean=True) * targets.numel()
            torch.autograd.grad(loss, anchors)
    return sums
