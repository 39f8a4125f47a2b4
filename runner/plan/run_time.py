"""How long a job takes, before it runs: one try of a seed part by part, all seeds in one try each, and in all tries.

Limits are taken as if they were used up, so that the time is on the safe side; setup and compilation are guesses.
Finished seeds of the same work on the same hardware say better how long a good try takes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.budget.gate import Allowance, Gate, allowance
from runner.folder.held import Held
from runner.listing import counted
from runner.plan.plan import Outline
from runner.plan.step_time import StepTime, duration, warm_up_steps

SETUP_GUESS_S = 15.0
"""Seconds of each of the two processes that are neither training nor scoring."""
COMPILE_GUESS_S = 30.0
"""Seconds that compiling takes on a GPU; the second process finds the first one's."""


@dataclass(frozen=True)
class TryTime:
    """Seconds of one try of one seed, each part taken to its limit."""

    setup: float
    """Of both processes, compilation included."""
    warm_up: float | None
    """None where no speed is known."""
    training: float
    evaluation: float

    @property
    def total(self) -> float:
        """All that is known of it."""
        return self.setup + (self.warm_up or 0.0) + self.training + self.evaluation

    def __str__(self) -> str:
        parts = [f"setup {duration(self.setup)} (a guess)"]
        parts += [f"warm-up about {duration(self.warm_up)}"] if self.warm_up else []
        limits = f"training up to {duration(self.training)}", f"evaluation up to {duration(self.evaluation)}"
        return ", ".join([*parts, *limits])


def try_time(plan: Outline, step: StepTime | None) -> TryTime:
    """One try; step: None for somebody else's script, whose warm-up nobody knows."""
    job, limits, schedule = plan.job, plan.limits, plan.job.config.schedule
    training, warm_up, compiled = limits.train_seconds, None, False
    if job.script is None:
        compiled = plan.hardware.on_gpu and job.config.runtime.compile != "off"
        if schedule.kind == "wallclock":
            training = schedule.max_wallclock_seconds
        elif step is not None and step.measured and step.seconds is not None:
            training = min(training, schedule.iterations * step.seconds)
        if step is not None and step.seconds is not None:
            warm_up = warm_up_steps(job.config) * step.seconds
    setup = 2 * SETUP_GUESS_S + (COMPILE_GUESS_S if compiled else 0.0)
    return TryTime(setup, warm_up, training, limits.eval_seconds)


@dataclass(frozen=True)
class JobTime:
    """Seconds until all seeds of a job have ended."""

    once: float
    """Every seed in its first try."""
    every_try: float
    """Every seed in its last, all before it as long as they may be."""
    basis: str
    """What a first try is taken to last."""


def job_time(plan: Outline, one: TryTime, past: Sequence[float] = ()) -> JobTime:
    """All seeds, as many at a time as the nodes take. past: seconds that finished seeds took on this hardware."""
    each, basis = one.total, f"each try: {one}"
    if past:
        each = statistics.fmean(past) + SETUP_GUESS_S
        basis = f"a seed took {duration(statistics.fmean(past))} here, mean of {counted(len(past), 'finished seed')}"
    seeds, tries = len(plan.job.seeds), plan.job.tries
    most = max(tries, -(-seeds * tries // plan.together))
    return JobTime(rounds(seeds, plan) * each, most * max(each, one.total), basis)


def rounds(seeds: int, plan: Outline) -> int:
    """How often nodes are filled to run that many seeds."""
    return -(-seeds // plan.together)


def price(plan: Outline, seconds: Sequence[float], seeds: int) -> str:
    """What nodes for that many seeds cost for each of some times, where the profile names a price; else ''."""
    hourly = plan.hardware.dollars_per_hour
    if hourly is None:
        return ""
    nodes = min(plan.nodes, -(-seeds // plan.concurrent))
    dollars = [f"${nodes * hourly * part / 3600:,.2f}" for part in seconds]
    told = f"about {dollars[0]}" + "".join(f", up to {most} if every try is used," for most in dollars[1:])
    return f"{told} on {counted(nodes, 'node')} at ${hourly:g} an hour each (a guess)"


def allowance_of(plan: Outline) -> Allowance | None:
    """What the job may spend on its hardware; None without a budget, UserError for dollars without a price."""
    return allowance(plan.job.budget, plan.hardware.dollars_per_hour, plan.node_share, plan.hardware.name)


def gate_of(plan: Outline, launches: Iterable[Held], one: TryTime | None = None) -> Gate | None:
    """Whether the next launch fits the job's budget. launches: that were; one: a try, where it is known better."""
    allowed = allowance_of(plan)
    if allowed is None:
        return None
    whole = one or try_time(plan, None)
    gate = Gate(allowed, full=whole.total, scoring=whole.setup / 2 + whole.evaluation)
    for launch in launches:
        gate.spent += launch.seconds
        if launch.completed and not launch.scored_only:
            gate.longest = max(gate.longest, launch.seconds)
    return gate
