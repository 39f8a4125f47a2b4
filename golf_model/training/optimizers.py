"""Which optimizer trains which parameter: Adam for embeddings, Muon for matrices, Adam for gains.

The groups and their order are the originals'; the bigram table is a group of its own. Learning rates of a step are
`base_lr` times one multiplier (see schedule.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from golf_model.config.optim import OptimConfig
from golf_model.network.gpt import GPT
from golf_model.process.devices import FUSED_ADAM
from golf_model.shapes import is_control
from golf_model.training.muon import COEFFICIENTS, Muon


def _adam(groups: list[list[Tensor]], lr: float, optim: OptimConfig, decay: float | None = None) -> torch.optim.Adam:
    """Adam, or AdamW where there is weight decay; one parameter group for each list. decay: none takes the usual."""
    settings: list[dict[str, Any]] = [{"params": group, "lr": lr, "base_lr": lr} for group in groups]
    betas = (optim.beta1, optim.beta2)
    fused = groups[0][0].device.type in FUSED_ADAM
    decay = optim.adam_weight_decay if decay is None else decay
    if decay:
        return torch.optim.AdamW(settings, betas=betas, eps=optim.adam_eps, weight_decay=decay, fused=fused)
    return torch.optim.Adam(settings, betas=betas, eps=optim.adam_eps, fused=fused)


def split_parameters(network: GPT) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """(embeddings, matrices, gains) in the originals' order, an untied head left out; bigram's matrix and scale come
    last in theirs, and what gates the embedding last of all."""
    named = list(network.blocks.named_parameters())
    embeddings: list[Tensor] = [network.tok_emb.weight]
    matrices: list[Tensor] = [p for name, p in named if p.ndim == 2 and not is_control(name)]
    gains: list[Tensor] = [p for name, p in named if p.ndim < 2 or is_control(name)]
    if network.skip_weights.numel():
        gains.append(network.skip_weights)
    later = (network.skip_gates, network.parallel_post_lambdas, network.parallel_resid_lambdas)
    gains.extend(one for one in later if one is not None and one.numel())
    matrices.extend(one.weight for one in (network.embed_proj, network.head_proj) if one is not None)
    if network.smear is not None:
        gains.append(network.smear.gate)
    if network.bigram is not None:
        embeddings.append(network.bigram.embed.weight)
        matrices.append(network.bigram.proj.weight)
        gains.append(network.bigram.scale)
    if network.smear_lambda is not None and isinstance(network.smear_gate, nn.Module):
        gains.extend((*network.smear_gate.parameters(), network.smear_lambda))
    elif isinstance(network.smear_gate, Tensor):
        gains.append(network.smear_gate)
    return embeddings, matrices, gains


def _matrix_optimizer(
    matrices: list[Tensor], optim: OptimConfig, rank: int, world_size: int
) -> torch.optim.Optimizer:
    """Muon, or AdamW where the configuration asks for the plain alternative."""
    if optim.matrix_optimizer == "adamw":
        return _adam([matrices], optim.matrix_lr, optim)
    return Muon(
        matrices,
        lr=optim.matrix_lr,
        momentum=optim.muon_momentum,
        backend_steps=optim.muon_backend_steps,
        dtype=torch.bfloat16 if optim.muon_dtype == "bfloat16" else torch.float32,
        weight_decay=optim.muon_weight_decay,
        decay_order=optim.muon_decay_order,
        row_normalise=optim.muon_row_normalise,
        coefficients=COEFFICIENTS[optim.muon_coefficients],
        rank=rank,
        world_size=world_size,
    )


def build_optimizers(
    network: GPT, optim: OptimConfig, rank: int = 0, world_size: int = 1
) -> list[torch.optim.Optimizer]:
    """Adam of the embeddings, Adam of an untied head, the matrices' optimizer, Adam of the gains."""
    embeddings, matrices, gains = split_parameters(network)
    head = network.lm_head
    embed_lr = optim.tied_embed_lr if head is None else optim.embed_lr
    return [
        _adam([[table] for table in embeddings], embed_lr, optim, optim.embed_weight_decay),
        *([] if head is None else [_adam([[head.weight]], optim.head_lr, optim)]),
        _matrix_optimizer(matrices, optim, rank, world_size),
        _adam([gains], optim.scalar_lr, optim),
    ]


def set_learning_rates(optimizers: Iterable[torch.optim.Optimizer], multiplier: float) -> None:
    """Set every group's lr to its base_lr times `multiplier`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * multiplier


def set_momentum(optimizers: Iterable[torch.optim.Optimizer], momentum: float) -> None:
    """Set the momentum of the coming step of Muon, where there is one."""
    for optimizer in optimizers:
        if isinstance(optimizer, Muon):
            for group in optimizer.param_groups:
                group["momentum"] = momentum


def set_decay(optimizers: Iterable[torch.optim.Optimizer], decay: float) -> None:
    """Set the weight decay of the coming step of Muon, where there is one."""
    for optimizer in optimizers:
        if isinstance(optimizer, Muon):
            for group in optimizer.param_groups:
                group["weight_decay"] = decay


def clip_gradients(parameters: Iterable[Tensor], limit: float) -> None:
    """Scale all gradients down to a global norm of `limit`; 0 leaves them alone."""
    if limit > 0:
        torch.nn.utils.clip_grad_norm_(parameters, limit)
