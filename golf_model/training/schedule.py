"""Learning-rate multiplier and Muon momentum as pure functions of step and elapsed time."""

from __future__ import annotations

from golf_model.config import OptimConfig, ScheduleConfig


def learning_rate_multiplier(schedule: ScheduleConfig, step: int, elapsed_ms: float) -> float:
    """Factor on every base learning rate for the coming step (0-based), `warmdown_lr_floor` at the least."""
    floor = schedule.warmdown_lr_floor
    return floor + (1.0 - floor) * warmdown_fraction(schedule, step, elapsed_ms)


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
