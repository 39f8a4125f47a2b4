"""What `golf status --json` and a cluster's board tell, read back into values that a screen draws.

It may come from another machine and another version of golf: what is not there is not known, what is of another kind
is refused, and text stays text (`shown` takes out what could move a cursor).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from runner.errors import UserError
from runner.live.outlook import Outlook
from runner.live.run_facts import AHEAD, is_running
from runner.printable import cut

MOST_NAME = 80
"""Characters of a name or a state that are shown."""


class _Told(BaseModel):
    """Unknown keys are another version's."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SizeView(_Told):
    """Bytes of script and artifact."""

    low: int | None = None
    high: int | None = None
    expected: int | None = None
    basis: str = ""


class SeedView(_Told):
    """One seed; None: not known."""

    seed: int
    attempt: int | None = None
    state: str = "unknown"
    step: int | None = None
    loss: float | None = None
    bpb: float | None = None
    bpb_told: str | None = None
    """Of one that runs: its last validation with the step that it was after."""
    clock: float | None = None
    clock_low: float | None = None
    note: str | None = None
    node: str | None = None
    elapsed_seconds: float | None = None
    dollars: float | None = None
    losses: tuple[tuple[int, ...], tuple[float | None, ...]] = ((), ())
    size_bytes: SizeView | None = None
    waits_for: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it is on a node."""
        return is_running(self.state)

    @property
    def waits(self) -> bool:
        """Whether it has not started and will."""
        return self.state in AHEAD

    @property
    def size(self) -> int | None:
        """Its bytes, counted or the likeliest ones."""
        return None if self.size_bytes is None else self.size_bytes.expected

    @property
    def curve(self) -> list[float]:
        """Its losses in the order of steps."""
        return [loss for loss in self.losses[1] if loss is not None]


class RunView(_Told):
    """One run with all its seeds; None: not known."""

    run: str
    state: str = "unknown"
    record: str | None = None
    problem: str | None = None
    stopped: str | None = None
    train_limit_seconds: float | None = None
    eval_limit_seconds: float | None = None
    cap_bytes: int | None = None
    iterations: int | None = None
    left_seconds: tuple[float, float] | None = None
    left_by_seeds: bool | None = None
    dollars_spent: float | None = None
    dollars_at_least: bool | None = None
    dollars_total: tuple[float, float] | None = None
    seeds: tuple[SeedView, ...] = ()

    @property
    def outlook(self) -> Outlook:
        """How long still, and for how much."""
        by_seeds, at_least = bool(self.left_by_seeds), bool(self.dollars_at_least)
        return Outlook(self.left_seconds, by_seeds, self.dollars_spent, at_least, self.dollars_total)


def runs_of(facts: Any) -> list[RunView]:
    """The runs of what was told; UserError where it is nothing of the kind."""
    try:
        return [RunView.model_validate(run) for run in facts["runs"]]
    except (ValidationError, KeyError, TypeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"how runs stand there is told in a way that this golf does not read: {cut(first)}") from None


def shown(text: str | None, most: int = MOST_NAME) -> str:
    """Text from a folder or a script, on one line and without control characters."""
    return cut(text or "", most)
