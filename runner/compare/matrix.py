"""Who beats whom: every arm against every other by one policy, each by its own test.

Pure. A cell says what one test says; how many there were, and what is left of each if all are taken together (Holm),
stands beside it. Of many arms those with the lowest means are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from statistics import fmean

from runner.compare.compare import POLICIES, Decision, decide
from runner.compare.facts import Duel, Matrix
from runner.compare.obstacles import arm_obstacles, notes_of
from runner.results.comparisons import Arm
from runner.results.frozen import PolicyName
from runner.statistics import holm

UNKNOWN = "~"
"""Stands for a text that nobody knows: sorts behind every hash."""
MOST_ARMS = 24
"""As many are held against each other: 552 tests, and a square that fits a screen."""


def matrix(arms: Sequence[Arm], policy: PolicyName, most: int = MOST_ARMS) -> Matrix:
    """Hold the arms against each other; those with which nothing can be tested stand aside, with their reasons."""
    why = [tuple(arm_obstacles(arm, number=False)) for arm in arms]
    able = [arm for arm, obstacles in zip(arms, why, strict=True) if not obstacles]
    able.sort(key=lambda arm: (fmean(arm.val_bpb), arm.name))
    # One text after the other: only within one is anything known to be comparable.
    shown, rule = tuple(sorted(able[:most], key=lambda arm: arm.validation or UNKNOWN)), POLICIES[policy]
    pairs = list(permutations(range(len(shown)), 2))
    decisions = [decide(shown[one], shown[two], policy) for one, two in pairs]
    tested = {
        index: found.test.p
        for index, found in enumerate(decisions)
        if found.test is not None and found.outcome != "undecided"
    }
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    duels = (
        _duel(shown, pair, decisions[index], corrected.get(index), rule.alpha) for index, pair in enumerate(pairs)
    )
    return Matrix(
        policy=policy,
        rule=rule.rule,
        alpha=rule.alpha,
        margin_nats=rule.margin_nats,
        arms=shown,
        duels=tuple(duels),
        aside=tuple((arm, obstacles) for arm, obstacles in zip(arms, why, strict=True) if obstacles),
        left_out=len(able) - len(shown),
    )


def _duel(arms: Sequence[Arm], pair: tuple[int, int], found: Decision, p_holm: float | None, alpha: float) -> Duel:
    one, two = arms[pair[0]], arms[pair[1]]
    gain = fmean(one.val_bpb) - fmean(two.val_bpb)
    return Duel(
        *pair,
        outcome=found.outcome,
        obstacles=found.obstacles,
        notes=tuple(notes_of(one, two, found.constant, number=found.target is not None)),
        p=None if found.test is None or found.outcome == "undecided" else found.test.p,
        p_holm=p_holm,
        gain_nats=None if found.constant is None else gain * found.constant,
        gain_bpb=gain,
        one_text=bool(one.validation and one.tokenizer) and one.validation == two.validation,
        still=found.outcome == "holds" and p_holm is not None and p_holm < alpha,
    )
