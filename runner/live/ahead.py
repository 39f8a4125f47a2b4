"""What a driver's screen tells of the rest of its job: how long still, for how much, and what waits for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.folder.launches import launches
from runner.live.outlook import Outlook, Running, Standing, outlook, work_of
from runner.live.run_facts import whole_tries
from runner.live.waits import waits_for
from runner.plan.plan import Outline


class Ahead:
    """Knows what the plan asks and what the run has taken so far; is told of each end, and asked when the screen is
    drawn."""

    def __init__(self, plan: Outline, entries: Sequence[Mapping[str, Any]] = ()) -> None:
        """entries: of the run's ledger, what earlier drivers launched."""
        earlier = launches(entries)
        self.need, self.work = plan.need, work_of(plan)
        self.together = plan.together
        self.local = False
        """Whether one seed runs after the other."""
        self.took = [*whole_tries(earlier)]
        self.held = sum(one.seconds or 0.0 for one in earlier)
        self.unknown = sum(one.seconds is None for one in earlier)

    def ended(self, seconds: float | None, *, whole: bool) -> None:
        """An attempt has ended. seconds: on its node, None before it began; whole: it trained, scored, completed."""
        if seconds is None:
            return
        self.held += seconds
        if whole:
            self.took.append(seconds)

    def look(self, running: Sequence[Running], waiting: int) -> Outlook:
        """What is to be expected while these run and so many wait."""
        slots = 1 if self.local else self.together
        took = tuple(self.took)
        return outlook(self.work, Standing(tuple(running), waiting, took, self.held, self.unknown, slots))

    def waits(self, running: int, *, held: bool = False) -> str:
        """What a seed that has not started waits for. held: it is held back, for the job's budget."""
        if held:
            return "waits for room in the budget"
        return waits_for(self.need, running, self.together, local=self.local)
