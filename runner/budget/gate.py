"""Whether the next launch fits into what a job may spend. Pure but for the clock, which is a parameter.

Both limits are one: node-seconds, since a price turns dollars into hours. What a launch will take is not known before
it has ended: it is taken to hold its node as long as the longest completed one so far, and before there is any for a
try that uses up its limits. What runs counts with that, or with the time that it has run already if that is more, so
that the sum of all that is under way stays below the limit. Only an attempt that takes longer than any before it can
go past the limit, and no launch follows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.budget.spec import BudgetSpec
from runner.errors import UserError

HOUR = 3600.0


@dataclass(frozen=True)
class Allowance:
    """What a job may spend, on the hardware that it has."""

    spec: BudgetSpec
    price: float | None
    """Dollars for an hour in which an attempt holds its node, or its part of one; None where nobody knows."""

    @property
    def seconds(self) -> float:
        """Node-seconds that both limits allow."""
        hours = [self.spec.hours] if self.spec.hours is not None else []
        if self.spec.dollars is not None and self.price is not None:
            hours.append(self.spec.dollars / self.price)
        return min(hours) * HOUR

    def told(self, seconds: float) -> str:
        """Node-seconds as money and hours: `$1.24 (0.062 node-hours)`."""
        hours = seconds / HOUR
        told = f"{hours:.3g} node-hours"
        return told if self.price is None else f"${hours * self.price:,.2f} ({told})"

    def limit(self) -> str:
        """The limits as the job says them."""
        spec = self.spec
        named = [] if spec.dollars is None else [f"${spec.dollars:,g}"]
        return " and ".join([*named, *([] if spec.hours is None else [f"{spec.hours:g} node-hours"])])


def allowance(spec: BudgetSpec | None, price: float | None, share: float, hardware: str) -> Allowance | None:
    """What a job may spend; None where it names no budget.

    price: of a node of the profile for an hour; share: of a node that one attempt takes. UserError for a limit in
    dollars of hardware that has no price.
    """
    if spec is None:
        return None
    hourly = spec.dollars_per_hour if spec.dollars_per_hour is not None else price
    if spec.dollars is not None and hourly is None:
        raise UserError(
            f"budget.dollars: the price of hardware {hardware} is not known; give budget.dollars_per_hour, what one "
            "node costs for an hour, or budget.hours in its place"
        )
    return Allowance(spec, None if hourly is None else hourly * share)


@dataclass
class Gate:
    """What a run has spent, what is under way, and whether one more launch fits."""

    allowance: Allowance
    full: float
    """Seconds of a try that uses up its limits."""
    scoring: float
    """The same of one that only scores."""
    spent: float = 0.0
    """Node-seconds of all launches that have ended."""
    longest: float = 0.0
    """Of a completed launch that trained; 0 before there is one."""
    clock: Callable[[], float] = time.monotonic
    planned: dict[int, float] = field(default_factory=dict)
    """Seed -> seconds that its launch is taken to last, of all that wait or run."""
    begun: dict[int, float] = field(default_factory=dict)
    """Seed -> when its launch began on its node."""
    warned: bool = False

    def expected(self, *, scores: bool = False) -> float:
        """Seconds that the next launch is taken to hold its node. scores: it only scores."""
        return self.scoring if scores else self.longest or self.full

    def under_way(self) -> float:
        """Seconds of all that wait or run, as far as can be told."""
        now = self.clock()
        return sum(max(seconds, now - self.begun.get(seed, now)) for seed, seconds in self.planned.items())

    def fits(self, seconds: float) -> bool:
        """Whether a launch of so many more seconds stays below the limit."""
        return self.spent + self.under_way() + seconds <= self.allowance.seconds

    def over(self) -> bool:
        """Whether what is under way goes past it already."""
        return not self.fits(0.0)

    def plan(self, seed: int, seconds: float) -> None:
        """A launch is queued."""
        self.planned[seed] = seconds

    def begin(self, seed: int) -> None:
        """It has begun on its node."""
        self.begun[seed] = self.clock()

    def drop(self, seed: int) -> None:
        """It was withdrawn before it began."""
        self.planned.pop(seed, None)

    def end(self, seed: int, seconds: float | None, *, completed: bool, scored_only: bool) -> None:
        """It has ended. seconds: that it held its node; None where it never began."""
        self.planned.pop(seed, None)
        self.begun.pop(seed, None)
        self.spent += seconds or 0.0
        if completed and not scored_only and seconds is not None:
            self.longest = max(self.longest, seconds)

    def warning(self) -> str:
        """What to say once the share is reached at which the job wants to be warned; '' before, and after."""
        spec = self.allowance.spec
        if self.warned or self.spent < spec.warn_at * self.allowance.seconds:
            return ""
        self.warned = True
        share = self.spent / self.allowance.seconds
        return f"budget: {share:.0%} of {self.allowance.limit()} is spent: {self.allowance.told(self.spent)}"

    def why_held(self) -> str:
        """Why nothing more is launched."""
        one = self.allowance
        left = max(0.0, one.seconds - self.spent)
        basis = "as the longest so far" if self.longest else "its limits used up"
        return (
            f"the next seed would exceed the budget of {one.limit()}: {one.told(self.spent)} spent, "
            f"{one.told(left)} left, and it is taken to need {one.told(self.expected())}, {basis}"
        )

    def refusal(self) -> str:
        """Why a run cannot even begin."""
        return f"nothing has run: {self.why_held()}. Raise budget: in the job"

    def outlook(self, seeds: int) -> str:
        """What is spent and left before anything starts, and what the seeds that wait are expected to take."""
        one, need = self.allowance, seeds * self.expected()
        told = f"budget: {one.limit()}, {one.told(self.spent)} spent; {seeds} to run, about {one.told(need)}"
        fit = self.fitting(seeds)
        return told if fit == seeds else f"{told}: {f'about {fit}' if fit else 'not one'} of them will fit"

    def fitting(self, seeds: int) -> int:
        """How many of so many launches fit, each as long as is expected."""
        left = self.allowance.seconds - self.spent
        return max(0, min(seeds, int(left / self.expected() + 1e-9)))
