"""Does a candidate beat a baseline? Two arms held against each other by a policy, or why that cannot be decided.

Pure. Tests are done in bits per byte, which do not depend on the tokenizer; margins and gains in nats/token are
converted by the candidate's own constant, nats_per_bpb. Where arms come from is arms.py's, why a test cannot decide
obstacles.py's, formulas statistics.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from runner.compare.obstacles import deviation, notes_of, obstacles_of
from runner.results.comparisons import Arm, Comparison, Power
from runner.results.frozen import PolicyName
from runner.statistics import (
    CONFIDENCE,
    MOST_SEEDS,
    WANTED_POWER,
    GainTest,
    Sample,
    candidate_seeds,
    describe,
    one_sample,
    one_sample_power,
    seeds_per_arm,
    target_seeds,
    welch,
    welch_power,
)

Outcome = Literal["holds", "not shown", "undecided"]


@dataclass(frozen=True)
class Policy:
    """What a gain must be to count."""

    margin_nats: float
    """The true gain must exceed it, nats/token."""
    alpha: float
    """The one-sided p must be below it."""
    what: str
    """What must be shown, in words."""
    against_number: bool = False
    """One-sample test against a number instead of Welch's against seeds."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.what} at p < {self.alpha:g}"

    def at(self, alpha: float | None) -> Policy:
        """The same by an error of its own, where there is one."""
        return self if alpha is None else replace(self, alpha=alpha)


POLICIES: dict[PolicyName, Policy] = {
    "readme": Policy(0.005, 0.01, "a gain of at least 0.005 nats/token"),
    "progression": Policy(0.0, 0.25, "any gain"),
    "target": Policy(0.0, 0.01, "a mean below the number", against_number=True),
}


@dataclass(frozen=True)
class Decision:
    """What a policy says of two arms, and by which test."""

    outcome: Outcome
    obstacles: tuple[str, ...]
    """Why the test cannot decide."""
    test: GainTest | None
    """Bits per byte; None where it cannot be done."""
    testable: bool
    """Whether any test can be done, were the margin known."""
    constant: float | None
    """nats_per_bpb by which margins and gains are converted."""
    margin: float | None
    """Bits per byte; None where it is in nats and no constant is known."""
    target: float | None
    """The number to beat, where the test is against one."""


def decide(baseline: Arm, candidate: Arm, policy: PolicyName, alpha: float | None = None) -> Decision:
    """The outcome alone, without what it would take to reach another: for many comparisons at once.

    alpha: what p must be below, where that is not the policy's.
    """
    rule = POLICIES[policy].at(alpha)
    constant = candidate.nats_per_bpb or baseline.nats_per_bpb
    margin = None if constant is None and rule.margin_nats else rule.margin_nats / (constant or 1.0)
    obstacles = list(obstacles_of(baseline, candidate, number=rule.against_number))
    if margin is None:
        obstacles.append(
            "the margin is in nats/token and no nats_per_bpb is known: give val_loss / val_bpb of its data"
        )
    one = _sample(baseline)
    target = one.mean if rule.against_number and one is not None else None
    tested = [candidate] if rule.against_number else [baseline, candidate]
    testable = all(deviation(arm) is not None for arm in tested) and bool(baseline.val_bpb)
    test = _test(baseline, candidate, target, margin) if testable and margin is not None else None
    outcome: Outcome = "undecided" if obstacles or test is None else "holds" if test.p < rule.alpha else "not shown"
    return Decision(outcome, tuple(obstacles), test, testable, constant, margin, target)


def compare(
    baseline: Arm,
    candidate: Arm,
    policy: PolicyName = "readme",
    true_gain: float | None = None,
    alpha: float | None = None,
) -> Comparison:
    """Hold `candidate` against `baseline`.

    true_gain: a gain to plan for, nats/token; without a constant nothing can be said of it. alpha: what p must be
    below, where that is not the policy's.
    """
    rule, found = POLICIES[policy].at(alpha), decide(baseline, candidate, policy, alpha)
    constant, margin, target, test = found.constant, found.margin, found.target, found.test
    one, two = _sample(baseline), _sample(candidate)
    measured = None if one is None or two is None else one.mean - two.mean
    claimed = None if true_gain is None or constant is None else true_gain / constant
    return Comparison(
        policy=policy,
        margin_nats=rule.margin_nats,
        alpha=rule.alpha,
        outcome=found.outcome,
        obstacles=list(found.obstacles),
        notes=list(notes_of(baseline, candidate, constant, number=rule.against_number)),
        baseline=baseline,
        candidate=candidate,
        target=target,
        nats_per_bpb=constant,
        confidence_percent=round(100 * CONFIDENCE),
        gain_bpb=measured,
        gain_nats=None if measured is None or constant is None else measured * constant,
        baseline_bpb=one,
        candidate_bpb=two,
        baseline_nats=_sample(baseline, constant),
        candidate_nats=_sample(candidate, constant),
        test=test,
        any_gain=_test(baseline, candidate, target, 0.0) if found.testable else None,
        test_nats=None if test is None or constant is None else scaled(test, constant),
        power=_power(baseline, candidate, rule, margin, measured, constant),
        power_at=_power(baseline, candidate, rule, margin, claimed, constant),
    )


def _sample(arm: Arm, scale: float | None = 1.0) -> Sample | None:
    return describe([scale * value for value in arm.val_bpb]) if arm.val_bpb and scale is not None else None


def _test(baseline: Arm, candidate: Arm, target: float | None, margin: float) -> GainTest:
    if target is not None:
        return one_sample(candidate.val_bpb, target, margin)
    return welch(baseline.val_bpb, candidate.val_bpb, margin)


def scaled(test: GainTest, scale: float) -> GainTest:
    """The test in another unit; t, its degrees of freedom and p have none."""
    changed = {name: getattr(test, name) * scale for name in ("gain", "margin", "low", "high")}
    return test.model_copy(update=changed)


def _power(
    baseline: Arm, candidate: Arm, rule: Policy, margin: float | None, gain: float | None, constant: float | None
) -> Power | None:
    """What it takes to show a true gain (bpb); an arm without a deviation of its own is taken to have the other's."""
    one, two = deviation(baseline), deviation(candidate)
    if margin is None or gain is None:
        return None
    return plan_power(
        gain,
        margin,
        rule,
        constant,
        stds=(one or two, two or one),
        sizes=(len(baseline.val_bpb), len(candidate.val_bpb)),
        std_from="measured" if two and (one or rule.against_number) else "measured in one arm, assumed in the other",
    )


def plan_power(
    gain: float,
    margin: float,
    rule: Policy,
    constant: float | None,
    *,
    stds: tuple[float | None, float | None],
    sizes: tuple[int, int],
    std_from: str,
) -> Power | None:
    """Power and seeds at a true `gain`, all in bits per byte; None without deviations."""
    own, theirs = stds[1], stds[0]
    excess = gain - margin
    if own and rule.against_number:
        now = one_sample_power(excess, own, sizes[1], rule.alpha) if sizes[1] > 1 else None
        per_arm, alone = None, target_seeds(excess, own, rule.alpha)
    elif own and theirs:
        both = (theirs, own)
        now = welch_power(excess, both, sizes, rule.alpha) if min(sizes) > 1 else None
        per_arm = seeds_per_arm(excess, both, rule.alpha)
        alone = candidate_seeds(excess, both, sizes[0], rule.alpha) if sizes[0] > 1 else None
    else:
        return None
    return Power(
        gain_bpb=gain,
        gain_nats=None if constant is None else gain * constant,
        std_baseline=None if rule.against_number else theirs,
        std_candidate=own,
        std_from=std_from,
        now=now,
        wanted=WANTED_POWER,
        most_seeds=MOST_SEEDS,
        seeds_per_arm=per_arm,
        candidate_seeds=alone,
        more_seeds=None if alone is None else max(0, alone - sizes[1]),
    )
