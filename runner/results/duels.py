"""Two jobs taking turns on one node."""

from __future__ import annotations

from typing import Literal

from runner.results.frozen import Frozen, PolicyName
from runner.statistics import GainTest

Side = Literal["baseline", "candidate"]


class DuelSide(Frozen):
    """One of the two jobs of a duel, by its hashes."""

    job: str
    """Its name."""
    run: str
    """Its run folder's name, which ends in the hash of job, script and data."""
    script_sha256: str
    job_sha256: str
    """Of the resolved job without its seeds."""


class DuelPair(Frozen):
    """One seed, run by both jobs one right after the other."""

    number: int
    """From 1, in the order in which pairs run."""
    seed: int
    first: Side
    """Which job ran first."""
    baseline_bpb: float | None
    """None where it has no score."""
    candidate_bpb: float | None
    node: str
    """Host of both; of the first, where they differ; '' where neither ran."""
    apart_seconds: float | None
    """From the end of the one to the start of the other by the wall clock."""
    left_out: str = ""
    """Why it does not count; '' where it does."""


class OrderModel(Frozen):
    """Least squares of the pairs' differences on a constant and on the order, which is +1/2 where the baseline ran
    first and -1/2 where the candidate did; n - 2 degrees of freedom, bits per byte."""

    gain: float
    """The constant: the gain where either order is as frequent."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    p: float
    """One-sided: that the gain is not beyond the margin."""
    later: float
    """What running second adds to a score: minus half of the order's coefficient."""
    later_low: float
    later_high: float
    df: int


class DuelNode(Frozen):
    """What the pairs that count say of one node."""

    node: str
    pairs: int
    level_bpb: float
    """Mean of all scores there."""
    gain_bpb: float
    """Mean of its pairs' differences."""


class Saved(Frozen):
    """What pairing saved: seeds in each arm with which Welch's test has the power of these pairs."""

    correlation: float
    """Of the two jobs' scores over pairs."""
    low: float | None
    """Lower end of its 95 % interval (Fisher's z); None below four pairs."""
    high: float | None
    unpaired: int | None
    """None for more than 200."""
    unpaired_low: int | None
    """At the interval's lower end; None below four pairs."""
    unpaired_high: int | None
    """At its upper end; None for more than 200, and below four pairs."""


class Duel(Frozen):
    """Two jobs run alternately on one node, seed by seed; scores and gains in bits per byte."""

    baseline: DuelSide
    candidate: DuelSide
    side: Side
    """Which of the two this record is of."""
    policy: PolicyName
    margin_nats: float
    alpha: float
    outcome: Literal["holds", "not shown", "undecided"]
    obstacles: list[str]
    """Why the test cannot decide."""
    nats_per_bpb: float | None
    confidence_percent: int
    asked: int
    """Pairs that were registered before the first ran."""
    pairs: list[DuelPair]
    same_data_order: bool | None
    """Whether both jobs read the same batches in the same order; None where that is not known."""
    test: GainTest | None
    """Student's test on the differences, baseline minus candidate, beyond the margin."""
    any_gain: GainTest | None
    test_nats: GainTest | None
    unpaired: GainTest | None
    """Welch's test of the same scores as if they were no pairs."""
    std_difference: float | None
    std_baseline: float | None
    std_candidate: float | None
    order: OrderModel | None
    """None where only one order ran, or fewer than three pairs count."""
    nodes: list[DuelNode]
    saved: Saved | None
    """None where how scores scatter is not known."""
