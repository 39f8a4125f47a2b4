"""One optimizer step and what it touches, and the warm-up that is undone. The loop around it is train.py."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from golf_model.config.golf_config import GolfConfig
from golf_model.network.gpt import GPT, LossModel
from golf_model.process.distributed import World, accumulation_steps
from golf_model.process.runlog import RunLog
from golf_model.training.exchange import GradientExchange
from golf_model.training.loader import BatchSource, Prefetcher, TokenStream, TrainLoader
from golf_model.training.muon import Muon
from golf_model.training.optimizers import build_optimizers, clip_gradients
from golf_model.training.orders import DocumentLoader, SequenceLoader
from golf_model.training.qat import acts_in_training, switch
from golf_model.training.shards import Shard


@dataclass
class Trainer:
    """Everything that one optimizer step touches."""

    config: GolfConfig
    world: World
    network: GPT
    loss_model: LossModel
    """The network, compiled or not."""
    optimizers: list[torch.optim.Optimizer]
    batches: Prefetcher
    accumulation: int
    exchange: GradientExchange


def batch_source(config: GolfConfig, world: World, shards: Sequence[Shard], seed: int) -> BatchSource:
    """This process's micro-batches in the configured order."""
    batch, vocab_size = config.batch, config.model.vocab_size
    if batch.order == "sequences":
        return SequenceLoader(shards, vocab_size, world.rank, world.size, batch.train_seq_len)
    if batch.order == "documents":
        row = batch.train_batch_tokens // (world.size * accumulation_steps(batch, world.size))
        return DocumentLoader(shards, vocab_size, world.rank, world.size, row, batch.bos_token)
    return TrainLoader(TokenStream(shards, vocab_size, batch.order, seed), world.rank, world.size)


def build_trainer(
    config: GolfConfig, world: World, network: GPT, loss_model: LossModel, shards: Sequence[Shard], seed: int = 0
) -> Trainer:
    """A trainer at step 0; ScriptError where batch and processes do not divide. seed: of the order of the tokens."""
    accumulation = accumulation_steps(config.batch, world.size)
    optimizers = build_optimizers(network, config.optim, world.rank, world.size)
    batch = config.batch
    loader = batch_source(config, world, shards, seed)
    batches = Prefetcher(loader, batch.train_batch_tokens, batch.train_seq_len, accumulation, world.device)
    exchange = GradientExchange(network.parameters(), world.size)
    return Trainer(config, world, network, loss_model, optimizers, batches, accumulation, exchange)


def accumulate_gradients(
    loss_model: LossModel,
    batches: Iterable[tuple[Tensor, Tensor]],
    accumulation: int,
    exchange: GradientExchange | None = None,
) -> Tensor:
    """Backward through every micro-batch; returns this process's mean loss, detached.

    exchange: is told when the gradients of the last one are to come; None where nobody waits for them.
    """
    total: Tensor | None = None
    for index, (ids, targets) in enumerate(batches):
        loss = loss_model(ids, targets, mean=True)
        if exchange is not None and index == accumulation - 1:
            exchange.expect()
        (loss / accumulation).backward()  # type: ignore[no-untyped-call]
        total = loss.detach() if total is None else total + loss.detach()
    if total is None:
        raise ValueError("an optimizer step needs at least one micro-batch")
    return total / accumulation


def apply_gradients(
    optimizers: Sequence[torch.optim.Optimizer], parameters: Sequence[Tensor], clip_norm: float
) -> None:
    """Clip, step every optimizer, drop the gradients."""
    clip_gradients(parameters, clip_norm)
    for optimizer in optimizers:
        if isinstance(optimizer, Muon):
            optimizer.begin()
    for optimizer in optimizers:
        optimizer.step()
    for parameter in parameters:
        parameter.grad = None


def optimizer_step(trainer: Trainer) -> Tensor:
    """One optimizer step at the rates and momentum that are set; returns this process's mean loss."""
    batches = (trainer.batches.next_on_device() for _ in range(trainer.accumulation))
    loss = accumulate_gradients(trainer.loss_model, batches, trainer.accumulation, trainer.exchange)
    trainer.exchange.finish()
    parameters = list(trainer.network.parameters())
    apply_gradients(trainer.optimizers, parameters, trainer.config.optim.grad_clip_norm)
    return loss


def warm_up(trainer: Trainer, log: RunLog) -> None:
    """Run real steps so that kernels are compiled and memory is touched, then undo all of them.

    Where fake quantisation begins later, one more step compiles what it needs (PR #160); where blocks are passed
    again later, as many steps more do (PR #1394).
    """
    qat = trainer.config.qat
    switch(trainer.network, on=acts_in_training(qat, 0))
    steps = trainer.config.schedule.warmup_steps
    weights = copy.deepcopy(trainer.network.state_dict())
    states = [copy.deepcopy(optimizer.state_dict()) for optimizer in trainer.optimizers]
    total = 2 * steps if trainer.config.model.loop.times else steps
    for step in range(1, total + 1):
        trainer.network.looped = step > steps
        optimizer_step(trainer)
        log.line(f"warmup_step:{step}/{total}")
    if qat.active != "off" and not acts_in_training(qat, 0):
        switch(trainer.network, on=True)
        optimizer_step(trainer)
        log.line("warmup_fake_quantisation:1")
    trainer.network.load_state_dict(weights)
    for optimizer, state in zip(trainer.optimizers, states, strict=True):
        optimizer.load_state_dict(state)
    trainer.batches.go_to(0)
