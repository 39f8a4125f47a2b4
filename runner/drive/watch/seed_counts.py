"""Many seeds in one line: how many stand where, how fast they end, and what the finished ones reach."""

from __future__ import annotations

import math
from collections import Counter

from runner.listing import counted

FIRST = ("completed", "failed", "timeout", "lost", "not started", "waiting")
"""The order in which ends are named; everything that runs comes between, as `running`."""


class SeedCounts:
    """Counts of states and the running mean and sample standard deviation of bpb (Welford), each kept in O(1)."""

    def __init__(self, seeds: int, now: float) -> None:
        self.states: Counter[str] = Counter(waiting=seeds)
        self.seeds = seeds
        self.begun = now
        self.ended = 0
        """Since `begun`; kept seeds of an earlier run do not count."""
        self.scored = 0
        self._mean = self._squares = 0.0

    def move(self, before: str, after: str) -> None:
        """One seed goes from a state to another."""
        self.states[before] -= 1
        self.states[after] += 1

    def score(self, bpb: float) -> None:
        """One finished seed's bits per byte."""
        self.scored += 1
        gap = bpb - self._mean
        self._mean += gap / self.scored
        self._squares += gap * (bpb - self._mean)

    def line(self, now: float, *, pace: bool = True) -> str:
        """`900 seeds: 412 completed, 200 running, 288 waiting; bpb 1.20741 ± 0.00052; 31 a minute`.

        pace: whether how many end a minute is told, which says nothing of a few.
        """
        running = sum(count for state, count in self.states.items() if state not in FIRST)
        counts = [(state, self.states[state]) for state in FIRST[:-1]]
        counts += [("running", running), (FIRST[-1], self.states[FIRST[-1]])]
        parts = [", ".join(f"{count:,} {state}" for state, count in counts if count)]
        if self.scored:
            std = math.sqrt(self._squares / (self.scored - 1)) if self.scored > 1 else None
            parts.append(f"bpb {self._mean:.5f}" + ("" if std is None else f" ± {std:.5f}"))
        if pace and self.ended and now > self.begun:
            ends = self.ended * 60 / (now - self.begun)
            parts.append(f"{ends:,.{0 if ends >= 10 else 1}f} a minute")
        return f"{counted(self.seeds, 'seed')}: " + "; ".join(parts)
