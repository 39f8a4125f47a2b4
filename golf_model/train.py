"""The training loop: warm-up that is undone, optimizer steps, clock, stop.

Mid-run validation is a function passed in; its time is not on the clock. What follows training (live
validation, artifact) is in main.py.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from golf_model.averaging import WeightAverage
from golf_model.config import GolfConfig
from golf_model.distributed import World, accumulation_steps
from golf_model.errors import NanLossError
from golf_model.evaluate import Score
from golf_model.events import Events
from golf_model.gpt import GPT, LossModel
from golf_model.loader import TrainLoader
from golf_model.optimizers import build_optimizers, clip_gradients, set_learning_rates, set_momentum
from golf_model.qat import acts_in_training, acts_in_validation, switch
from golf_model.runlog import RunLog
from golf_model.schedule import learning_rate_multiplier, muon_momentum
from golf_model.shards import Shard

FIRST_STEPS_LOGGED = 10


class TrainingClock:
    """Milliseconds of training so far: running between `start` and `pause`, the device waited for at both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.banked_ms = 0.0
        self.started = 0.0

    def start(self) -> None:
        """Begin or go on counting."""
        self.world.synchronise()
        self.started = time.perf_counter()

    def pause(self) -> None:
        """Stop counting."""
        self.world.synchronise()
        self.banked_ms = self.read()

    def read(self) -> float:
        """Milliseconds while running."""
        return self.banked_ms + 1000.0 * (time.perf_counter() - self.started)


@dataclass
class Trainer:
    """Everything that one optimizer step touches."""

    config: GolfConfig
    world: World
    network: GPT
    loss_model: LossModel
    """The network, compiled or not."""
    optimizers: list[torch.optim.Optimizer]
    shards: Sequence[Shard]
    loader: TrainLoader
    accumulation: int

    def rewind_data(self) -> None:
        """Start reading the training shards from the beginning."""
        self.loader = TrainLoader(self.shards, self.config.model.vocab_size, self.world.rank, self.world.size)


def build_trainer(
    config: GolfConfig, world: World, network: GPT, loss_model: LossModel, shards: Sequence[Shard]
) -> Trainer:
    """A trainer at step 0; ScriptError where batch and processes do not divide."""
    accumulation = accumulation_steps(config.batch, world.size)
    optimizers = build_optimizers(network, config.optim, world.rank, world.size)
    loader = TrainLoader(shards, config.model.vocab_size, world.rank, world.size)
    return Trainer(config, world, network, loss_model, optimizers, shards, loader, accumulation)


def accumulate_gradients(
    loss_model: LossModel, batches: Iterable[tuple[Tensor, Tensor]], accumulation: int
) -> Tensor:
    """Backward through every micro-batch; returns this process's mean loss, detached."""
    total: Tensor | None = None
    for ids, targets in batches:
        loss = loss_model(ids, targets, mean=True)
        (loss / accumulation).backward()  # type: ignore[no-untyped-call]
        total = loss.detach() if total is None else total + loss.detach()
    if total is None:
        raise ValueError("an optimizer step needs at least one micro-batch")
    return total / accumulation


def apply_gradients(
    optimizers: Iterable[torch.optim.Optimizer], parameters: Sequence[Tensor], clip_norm: float
) -> None:
    """Clip, step every optimizer, drop the gradients."""
    clip_gradients(parameters, clip_norm)
    for optimizer in optimizers:
        optimizer.step()
    for parameter in parameters:
        parameter.grad = None


def optimizer_step(trainer: Trainer) -> Tensor:
    """One optimizer step at the rates and momentum that are set; returns this process's mean loss."""
    batch = trainer.config.batch
    batches = (
        trainer.loader.next_batch(batch.train_batch_tokens, batch.train_seq_len, trainer.accumulation)
        for _ in range(trainer.accumulation)
    )
    device = trainer.world.device
    on_device = ((ids.to(device), targets.to(device)) for ids, targets in batches)
    loss = accumulate_gradients(trainer.loss_model, on_device, trainer.accumulation)
    parameters = list(trainer.network.parameters())
    trainer.world.average_gradients(parameters)
    apply_gradients(trainer.optimizers, parameters, trainer.config.optim.grad_clip_norm)
    return loss


def warm_up(trainer: Trainer, log: RunLog) -> None:
    """Run real steps so that kernels are compiled and memory is touched, then undo all of them.

    Where fake quantisation begins later, one more step compiles what it needs (PR #160).
    """
    qat = trainer.config.qat
    switch(trainer.network, on=acts_in_training(qat, 0))
    steps = trainer.config.schedule.warmup_steps
    weights = copy.deepcopy(trainer.network.state_dict())
    states = [copy.deepcopy(optimizer.state_dict()) for optimizer in trainer.optimizers]
    for step in range(1, steps + 1):
        optimizer_step(trainer)
        if steps <= 20 or step % 10 == 0 or step == steps:
            log.line(f"warmup_step:{step}/{steps}")
    if qat.active != "off" and not acts_in_training(qat, 0):
        switch(trainer.network, on=True)
        optimizer_step(trainer)
        log.line("warmup_fake_quantisation:1")
    trainer.network.load_state_dict(weights)
    for optimizer, state in zip(trainer.optimizers, states, strict=True):
        optimizer.load_state_dict(state)
    trainer.rewind_data()


def is_logged(step: int, every: int) -> bool:
    """Whether a finished step (1-based) gets a training line."""
    return every > 0 and (step <= FIRST_STEPS_LOGGED or step % every == 0)


@dataclass(frozen=True)
class TrainingResult:
    """Where training stopped."""

    steps: int
    elapsed_ms: float
    """Training clock, mid-run validation excluded."""
    stopped_early: bool
    """Whether the time limit ended it before the last iteration."""
    average: WeightAverage | None = None
    """The average of the weights, where the configuration asks for one."""
    steps_on_grid: int = 0
    """Steps made with fake quantisation."""


def step_line(step: int, iterations: int, values: str, elapsed_ms: float) -> str:
    """One line of progress in the official format."""
    mean_ms = elapsed_ms / max(step, 1)
    return f"step:{step}/{iterations} {values} train_time:{elapsed_ms:.0f}ms step_avg:{mean_ms:.2f}ms"


def train(trainer: Trainer, log: RunLog, events: Events, validate: Callable[[], Score]) -> TrainingResult:
    """Train until the schedule ends; on return the device has finished the last step.

    validate: scores the live weights in mid-run. Raises NanLossError the moment any process's loss is not a number.
    On return fake quantisation is set as it is for the validation of the last weights.
    """
    config, world = trainer.config, trainer.world
    schedule, iterations = config.schedule, config.schedule.iterations
    cap_ms = schedule.max_wallclock_seconds * 1000.0 if schedule.kind == "wallclock" else math.inf
    average = None
    if config.average.kind != "off":
        average = WeightAverage(config.average, trainer.network.state_dict())
    clock = TrainingClock(world)
    world.barrier()
    events.announce("train_start")
    clock.start()
    step, steps_on_grid, elapsed_ms = 0, 0, 0.0
    while step < iterations and elapsed_ms < cap_ms:
        if config.log.val_loss_every and step % config.log.val_loss_every == 0:
            clock.pause()
            events.announce("validation_start")
            switch(trainer.network, on=acts_in_validation(config.qat, step))
            log.line(step_line(step, iterations, validate().log_values, clock.banked_ms))
            events.announce("validation_end")
            clock.start()
        multiplier = learning_rate_multiplier(schedule, step, elapsed_ms)
        set_learning_rates(trainer.optimizers, multiplier)
        set_momentum(trainer.optimizers, muon_momentum(config.optim, step))
        on_grid = acts_in_training(config.qat, step)
        switch(trainer.network, on=on_grid)
        steps_on_grid += on_grid
        loss = float(optimizer_step(trainer))
        step += 1
        if average is not None:
            average.update(trainer.network.state_dict(), step, multiplier)
        # One collective keeps every process at the same rate and the same last step.
        elapsed_ms, lost = world.maxima([clock.read(), float(not math.isfinite(loss))])
        if lost:
            log.line(f"nan_loss step:{step}")
            raise NanLossError(step)
        if is_logged(step, config.log.train_log_every) or elapsed_ms >= cap_ms:
            log.line(step_line(step, iterations, f"train_loss:{loss:.4f}", elapsed_ms))
    clock.pause()
    events.announce("train_end")
    switch(trainer.network, on=acts_in_validation(config.qat, step))
    return TrainingResult(step, clock.banked_ms, step < iterations, average, steps_on_grid)
