"""The training loop: optimizer steps, clock, checkpoints, stop.

Mid-run validation is a function passed in; its time is not on the clock. A single step is trainer.py's; what follows
training (live validation, artifact) is in main.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from golf_model.config.schedule import ScheduleConfig
from golf_model.process.distributed import World
from golf_model.process.errors import NanLossError
from golf_model.process.events import Events
from golf_model.process.runlog import RunLog
from golf_model.scoring.evaluate import Score
from golf_model.training.averaging import WeightAverage
from golf_model.training.calibration import Calibration, Seen
from golf_model.training.checkpoint import Checkpoints
from golf_model.training.optimizers import set_decay, set_learning_rates, set_momentum
from golf_model.training.qat import acts_in_training, acts_in_validation, switch
from golf_model.training.resume import checkpoint_state, resumed
from golf_model.training.schedule import (
    decay_taper,
    learning_rate_multiplier,
    muon_momentum,
    passes_loop,
    share_of_training,
)
from golf_model.training.size_forecast import SizeForecaster
from golf_model.training.step_grid import ExpectedGrid
from golf_model.training.trainer import Trainer, optimizer_step

FIRST_STEPS_LOGGED = 10


class TrainingClock:
    """Milliseconds of training so far: running between `start` and `pause`, the device waited for at both."""

    def __init__(self, world: World, banked_ms: float = 0.0) -> None:
        self.world = world
        self.banked_ms = banked_ms
        self.started = 0.0
        self.waited_ms = 0.0
        """How long the device took after the last step was given to it, which foretells that of the next."""

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

    def after_step(self, loss: Tensor) -> tuple[float, float]:
        """(milliseconds, this process's loss) when a step's loss () is there: the one time that a step waits for its
        device. The time is the same in every process, so that all keep one rate and one last step. NanLossError's
        cause, a loss of any process that is no number, is a loss of nan."""
        begun = self.read()
        (latest, lost), mine = self.world.after_step([begun + self.waited_ms], loss)
        self.waited_ms = self.read() - begun
        return latest if self.world.size > 1 else self.read(), math.nan if lost else mine


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
    waited_ms: float = 0.0
    """How long this process waited for data."""
    seen: Seen | None = None
    """What was found on training tokens, where matrices are to be rounded or their steps shaped by it."""


def step_line(step: int, iterations: int, values: str, elapsed_ms: float) -> str:
    """One line of progress in the official format."""
    mean_ms = elapsed_ms / max(step, 1)
    return f"step:{step}/{iterations} {values} train_time:{elapsed_ms:.0f}ms step_avg:{mean_ms:.2f}ms"


@dataclass(frozen=True)
class Packing:
    """What training has to do with the artifact: its size in prospect, and the grid that will be written."""

    forecaster: SizeForecaster
    grid: ExpectedGrid | None = None


def share_done(schedule: ScheduleConfig, step: int, elapsed_ms: float) -> float:
    """How much of the training is done, 0 to 1, by steps and, where it counts, by the clock."""
    by_steps = step / schedule.iterations
    return (
        max(by_steps, elapsed_ms / (1000.0 * schedule.max_wallclock_seconds))
        if schedule.kind == "wallclock"
        else by_steps
    )


def calibrated(calibration: Calibration, average: WeightAverage | None, log: RunLog) -> Seen:
    """A look at training tokens, and a line about how long it took."""
    world = calibration.trainer.world
    world.synchronise()
    begun = time.perf_counter()
    seen = calibration.collect(average)
    world.synchronise()
    took_ms = 1000.0 * (time.perf_counter() - begun)
    fisher = f" fisher_sequences:{calibration.fisher_sequences * world.size}" if calibration.fisher_sequences else ""
    log.line(f"calibration sequences:{calibration.sequences * world.size}{fisher} took:{took_ms:.0f}ms")
    return seen


def set_mode(trainer: Trainer, schedule: ScheduleConfig, step: int, elapsed_ms: float, log: RunLog) -> None:
    """Set what the share of the training that is done decides of the coming step: the loop and Muon's decay."""
    config, share = trainer.config, share_of_training(schedule, step, elapsed_ms)
    looped = passes_loop(config.model.loop, share)
    if looped and not trainer.network.looped:
        log.line(f"loop:on step:{step} train_time:{elapsed_ms:.0f}ms")
    trainer.network.looped = looped
    if config.optim.muon_decay_taper.start < 1.0:
        set_decay(
            trainer.optimizers, config.optim.muon_weight_decay * decay_taper(config.optim.muon_decay_taper, share)
        )


def train(
    trainer: Trainer,
    log: RunLog,
    events: Events,
    validate: Callable[[], Score],
    checkpoints: Checkpoints | None = None,
    earlier_ms: float = 0.0,
    packing: Packing | None = None,
) -> TrainingResult:
    """Train until the schedule ends; on return the device has finished the last step.

    validate: scores the live weights in mid-run; checkpoints: go on from the newest and make more; earlier_ms:
    training time of this run's earlier lives; packing: forecasts and grid of the artifact. Raises NanLossError the
    moment any process's loss is not a number. On return fake quantisation is set as it is for the validation of the
    last weights; blocks of a loop are passed as in packing and scoring.
    """
    config, world = trainer.config, trainer.world
    schedule, iterations = config.schedule, config.schedule.iterations
    weights = trainer.network.state_dict()  # the parameters themselves, which every step changes in place
    calibration = Calibration(trainer) if config.export.gptq.tokens else None
    average = None
    if config.average.kind != "off":
        average = WeightAverage(config.average, weights)
    now = resumed(trainer, average, checkpoints, earlier_ms, log)
    if packing is not None and packing.grid is not None and now.grid:
        packing.grid.take(now.grid)
    clock = TrainingClock(world, now.elapsed_ms)
    world.barrier()
    events.announce("train_start")
    clock.start()
    if calibration is not None and schedule.kind == "wallclock":
        reserve_s = calibration.rehearse() / 1000.0
        log.line(f"calibration reserved:{1000 * reserve_s:.0f}ms")
        schedule = replace(schedule, max_wallclock_seconds=max(schedule.max_wallclock_seconds - reserve_s, 1e-3))
    cap_ms = schedule.max_wallclock_seconds * 1000.0 if schedule.kind == "wallclock" else math.inf
    step = now.step
    trainer.network.looped = False
    set_mode(trainer, schedule, step, now.elapsed_ms, log)
    while step < iterations and now.elapsed_ms < cap_ms:
        if config.log.val_loss_every and step % config.log.val_loss_every == 0:
            clock.pause()
            events.announce("validation_start")
            switch(trainer.network, on=acts_in_validation(config.qat, step))
            log.line(step_line(step, iterations, validate().log_values, clock.banked_ms))
            events.announce("validation_end")
            clock.start()
        set_mode(trainer, schedule, step, now.elapsed_ms, log)
        multiplier = learning_rate_multiplier(schedule, step, now.elapsed_ms)
        set_learning_rates(trainer.optimizers, multiplier)
        set_momentum(trainer.optimizers, muon_momentum(config.optim, step))
        on_grid = acts_in_training(config.qat, step)
        if on_grid and packing is not None and packing.grid is not None and packing.grid.is_due(step):
            now.grid = packing.grid.resolve()
        switch(trainer.network, on=on_grid)
        now.steps_on_grid += on_grid
        mean_loss = optimizer_step(trainer)
        now.step = step = step + 1
        if average is not None:
            average.update(weights, step, multiplier)
        now.elapsed_ms, loss = clock.after_step(mean_loss)
        if not math.isfinite(loss):
            log.line(f"nan_loss step:{step}")
            raise NanLossError(step)
        if is_logged(step, config.log.train_log_every) or now.elapsed_ms >= cap_ms:
            log.line(step_line(step, iterations, f"train_loss:{loss:.4f}", now.elapsed_ms))
        if packing is not None:
            packing.forecaster.watch(share_done(schedule, step, now.elapsed_ms), weights, average)
        if checkpoints is not None and now.elapsed_ms - now.saved_ms >= 1000.0 * schedule.checkpoint_every_s:
            now.saved_ms = now.elapsed_ms
            checkpoints.save(step, checkpoint_state(trainer, now, average))
    trainer.network.looped = config.model.loop.times > 0
    seen = calibrated(calibration, average, log) if calibration is not None else None
    clock.pause()
    events.announce("train_end")
    if packing is not None:
        packing.forecaster.speak(wait=True)
    switch(trainer.network, on=acts_in_validation(config.qat, step))
    waited_ms = trainer.batches.waited_ms
    return TrainingResult(step, clock.banked_ms, step < iterations, average, now.steps_on_grid, waited_ms, seen)
