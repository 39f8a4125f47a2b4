"""When a job will have ended and what it will have cost, while it runs. Pure: no clock, no file.

Seeds of this very run that have ended say best how long one takes; before one has, the job's limits bound it, and
the answer is an interval. Seeds that fail and are tried again come on top: nobody knows how many. Dollars are counted
as a job's budget counts them: of each launch the part of a node that it takes, by the price that the job or else the
hardware profile states.
"""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from runner.plan.plan import Outline
from runner.plan.run_time import SETUP_GUESS_S, try_time

MOST_PLACED = 2000
"""Seeds that are placed one by one; of more, their sum is shared out."""

Span = tuple[float, float]
"""Least and most, in seconds or dollars."""


@dataclass(frozen=True)
class Work:
    """What one try of one seed takes by the job's limits, in seconds, and what an hour of it costs."""

    train_least: float
    """Training that is made whatever comes: the wall-clock schedule's; 0 where training ends by steps."""
    train_limit: float
    eval_limit: float
    setup: float
    """Of both processes; a guess."""
    dollars_per_hour: float | None = None
    """Of the part of a node that one try takes; None where no price is known."""


@dataclass(frozen=True)
class Running:
    """A seed that runs."""

    elapsed: float
    """Seconds on its node."""
    clock: float | None = None
    """Seconds of training, as its log says."""
    scoring: bool = False
    """Whether its second process runs."""


@dataclass(frozen=True)
class Standing:
    """How far a job has come."""

    running: tuple[Running, ...] = ()
    waiting: int = 0
    took: tuple[float, ...] = ()
    """Seconds on their nodes of the tries that completed."""
    held: float = 0.0
    """Seconds of all launches that have ended, whatever their end."""
    unknown: int = 0
    """Launches that have ended and of which nobody noted how long they were."""
    slots: int | None = None
    """Seeds that run at a time, at most, once every node is free for them; None: not known."""


@dataclass(frozen=True)
class Outlook:
    """What is to be expected; None: not known."""

    left: Span | None
    """Seconds until the last seed has ended, if none is tried again."""
    by_seeds: bool
    """Whether `left` rests on seeds that have ended, not on limits."""
    spent: float | None
    """Dollars so far."""
    at_least: bool
    """Whether some launches are not in `spent`."""
    total: Span | None
    """Dollars in all, if no seed is tried again."""


def work_of(plan: Outline) -> Work:
    """What the limits of a plan say."""
    job, schedule = plan.job, plan.job.config.schedule
    stated = None if job.budget is None else job.budget.dollars_per_hour
    hourly = plan.hardware.dollars_per_hour if stated is None else stated
    timed = job.script is None and schedule.kind == "wallclock"
    return Work(
        train_least=schedule.max_wallclock_seconds if timed else 0.0,
        train_limit=schedule.max_wallclock_seconds if timed else plan.limits.train_seconds,
        eval_limit=plan.limits.eval_seconds,
        setup=try_time(plan, None).setup,
        dollars_per_hour=None if hourly is None else hourly * plan.node_share,
    )


def outlook(work: Work, standing: Standing) -> Outlook:
    """How long a job still takes, and its dollars."""
    rests = [rest_of(work, one, standing.took) for one in standing.running]
    each = try_of(work, standing.took)
    left = _left(standing, rests, each)
    price = work.dollars_per_hour
    spent = total = None
    if price is not None:
        hourly = price / 3600
        spent = hourly * (standing.held + sum(one.elapsed for one in standing.running))
        ahead = [sum(rest[end] for rest in rests) + standing.waiting * each[end] for end in (0, 1)]
        total = spent + hourly * ahead[0], spent + hourly * ahead[1]
    return Outlook(left, bool(standing.took), spent, standing.unknown > 0, total)


def _left(standing: Standing, rests: Sequence[Span], each: Span) -> Span | None:
    """Seconds until the last seed has ended: least, were as many to run as can; most, if no more than run now."""
    now = len(standing.running)
    most = max(now, min(standing.slots or 0, now + standing.waiting))
    if most == 0:
        return None
    low = until([rest[0] for rest in rests], standing.waiting, each[0], most)
    return low, until([rest[1] for rest in rests], standing.waiting, each[1], now or most)


def try_of(work: Work, took: Sequence[float]) -> Span:
    """Seconds of a try that has not begun."""
    if took:
        mean = statistics.fmean(took)
        return mean, mean
    return work.train_least, work.setup + work.train_limit + work.eval_limit


def rest_of(work: Work, one: Running, took: Sequence[float]) -> Span:
    """Seconds that a running seed still takes."""
    mean = statistics.fmean(took) if took else 0.0
    if mean > one.elapsed:
        return mean - one.elapsed, mean - one.elapsed
    if one.scoring:
        return 0.0, work.eval_limit
    done, before = one.clock or 0.0, work.setup if one.clock is None else SETUP_GUESS_S
    train = max(0.0, work.train_limit - done)
    return max(0.0, work.train_least - done), before + train + work.eval_limit


def until(rests: Sequence[float], waiting: int, each: float, slots: int) -> float:
    """Seconds until the last of all has ended: those that wait begin one after the other, as soon as one ends."""
    if waiting > MOST_PLACED:
        return max([*rests, (sum(rests) + waiting * each) / slots])
    ends = [*rests, *[0.0] * (slots - len(rests))]
    heapq.heapify(ends)
    for _ in range(waiting):
        heapq.heappush(ends, heapq.heappop(ends) + each)
    return max(ends, default=0.0)
