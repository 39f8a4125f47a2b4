"""Many arms held against each other: frozen values that a page is made of. Worked out by matrix.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runner.results.comparisons import Arm
from runner.results.frozen import PolicyName


@dataclass(frozen=True)
class Duel:
    """Whether one arm beats another by one policy."""

    baseline: int
    """Which of the arms is to be beaten."""
    candidate: int
    outcome: Literal["holds", "not shown", "undecided"]
    """undecided: the two are not comparable, for the reasons in `obstacles`."""
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know beside the outcome."""
    p: float | None = None
    """One-sided, of this test alone; None where nothing was decided."""
    p_holm: float | None = None
    """The same where as many tests were done as the matrix has (Holm)."""
    gain_nats: float | None = None
    """Baseline's mean minus the candidate's, nats/token of the candidate's tokenizer."""
    gain_bpb: float | None = None
    one_text: bool = False
    """Whether both are known to have been scored on one text; else the test says something only if they were."""
    still: bool = False
    """Whether it holds when all tests of the matrix are taken together."""


@dataclass(frozen=True)
class Matrix:
    """Every arm against every other by one policy, both ways round."""

    policy: PolicyName
    rule: str
    """What the policy asks for, in words."""
    alpha: float
    """p must be below it."""
    margin_nats: float
    arms: tuple[Arm, ...]
    """Those of one text together, the lowest mean first."""
    duels: tuple[Duel, ...]
    aside: tuple[tuple[Arm, tuple[str, ...]], ...] = ()
    """Arms with which nothing can be tested, and why."""
    left_out: int = 0
    """Arms that are not in it, since there are too many to be seen at once."""

    @property
    def tested(self) -> int:
        """How many tests were done."""
        return sum(duel.outcome != "undecided" for duel in self.duels)
