"""A claim that is judged look by look: what the comparison says of its own error."""

from __future__ import annotations

from reports.comparison_words import outcome
from runner.job.claim import BaselineSpec, ClaimSpec, SequentialSpec
from runner.results.comparisons import Arm, Comparison
from runner.sequential.claim import judge_claim

BASELINE = (1.0810, 1.0808, 1.0812)
BETTER = Arm(name="mine", val_bpb=(1.0702, 1.0698, 1.0701), seeds=(1, 2, 3), nats_per_bpb=2.58)


def judged(alpha: float | None) -> Comparison:
    asked = SequentialSpec(least=3, most=5, alpha=alpha)
    claim = ClaimSpec(baseline=BaselineSpec(val_bpb=BASELINE, nats_per_bpb=2.58), gain=0.02, sequential=asked)
    return judge_claim(claim, BETTER, [])


def test_an_error_below_the_policys_is_the_one_that_is_told() -> None:
    found = judged(0.001)
    assert (found.alpha, found.sequential is not None and found.sequential.alpha) == (0.001, 0.001)
    assert "readme (a gain of at least 0.005 nats/token at p < 0.001)" in outcome(found)


def test_without_one_it_is_the_policys() -> None:
    found = judged(None)
    assert (found.alpha, found.sequential is not None and found.sequential.alpha) == (0.01, 0.01)
    assert "at p < 0.01)" in outcome(found)
