"""Learning-rate multiplier and Muon momentum as pure functions of step and elapsed time."""

from __future__ import annotations

from golf_model.config.model import LoopConfig
from golf_model.config.optim import DecayTaperConfig, OptimConfig
from golf_model.config.schedule import ScheduleConfig


def learning_rate_multiplier(schedule: ScheduleConfig, step: int, elapsed_ms: float) -> float:
    """Factor on every base learning rate for the coming step (0-based), `warmdown_lr_floor` at the least.

    Where the warmdown is a share of the training (PR #1218) it goes down to 0 there, and not below `min_lr`.
    """
    if schedule.warmdown_frac:
        share = share_of_training(schedule, step, elapsed_ms)
        if share < 1.0 - schedule.warmdown_frac:
            return 1.0
        return max((1.0 - share) / schedule.warmdown_frac, schedule.min_lr)
    floor = schedule.warmdown_lr_floor
    return floor + (1.0 - floor) * warmdown_fraction(schedule, step, elapsed_ms)


def share_of_training(schedule: ScheduleConfig, step: int, elapsed_ms: float) -> float:
    """How much of the training is done before the coming step (0-based): of the clock, or of the steps."""
    if schedule.kind == "steps":
        return step / schedule.iterations
    return elapsed_ms / (1000.0 * schedule.max_wallclock_seconds)


def passes_loop(loop: LoopConfig, share: float) -> bool:
    """Whether blocks of the loop are passed again in a step before which `share` of the training is done."""
    return loop.times > 0 and share >= loop.at


def decay_taper(taper: DecayTaperConfig, share: float) -> float:
    """Factor on Muon's weight decay (PR #1729): 1 up to `start`, then a line to `to` at the end."""
    if share <= taper.start or taper.start >= 1.0:
        return 1.0
    return 1.0 + (taper.to - 1.0) * min((share - taper.start) / (1.0 - taper.start), 1.0)


def warmdown_fraction(schedule: ScheduleConfig, step: int, elapsed_ms: float) -> float:
    """How much of the warmdown is still ahead, 1 before it begins.

    `steps`: 1 until `iterations - warmdown_iters`, then linear to 0. `wallclock`: the same against the time
    limit, the warmdown's length being `warmdown_iters` times the mean step time so far.
    """
    warmdown = schedule.warmdown_iters
    if warmdown <= 0:
        return 1.0
    if schedule.kind == "steps":
        start = max(schedule.iterations - warmdown, 0)
        if not start <= step < schedule.iterations:
            return 1.0
        return max((schedule.iterations - step) / warmdown, 0.0)
    warmdown_ms = warmdown * elapsed_ms / max(step, 1)
    remaining_ms = max(schedule.max_wallclock_seconds * 1000.0 - elapsed_ms, 0.0)
    return remaining_ms / max(warmdown_ms, 1e-9) if remaining_ms <= warmdown_ms else 1.0


def muon_momentum(optim: OptimConfig, step: int) -> float:
    """Momentum of the coming Muon step (0-based): a linear rise, then constant."""
    if optim.muon_momentum_warmup_steps <= 0:
        return optim.muon_momentum
    fraction = min(step / optim.muon_momentum_warmup_steps, 1.0)
    return (1 - fraction) * optim.muon_momentum_warmup_start + fraction * optim.muon_momentum
