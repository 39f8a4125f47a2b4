"""Seeds held against a baseline."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runner.results.frozen import Frozen, PolicyName, VerdictStatus
from runner.statistics import GainTest, Sample
from runner.strict import Strict


class Arm(Strict):
    """One side of a comparison: the scores of its seeds, and what is known of them. Empty or None: not known."""

    name: str
    """What it is called: a record's job, a pull request, or what was typed."""
    val_bpb: tuple[float, ...]
    """Published score of each seed, bits per byte."""
    nats_per_bpb: float | None = None
    """val_loss / val_bpb of its tokenizer on the validation text."""
    seeds: tuple[int, ...] = ()
    """In the order of the scores."""
    unscored: Annotated[int, Field(ge=0)] = 0
    """Seeds that belong to it and have no score."""
    verdict: VerdictStatus | None = None
    """Of the record that the scores stand in."""
    problem: str = ""
    """Why its scores cannot be relied on, beside the verdict."""
    origin: str = ""
    """Who measured, e.g. that these are the figures of somebody's logs."""
    run: str = ""
    """The record's run."""
    track: str = ""
    """Whose rules it was judged by."""
    tokenizer: str = ""
    """SHA-256 of the tokenizer."""
    validation: str = ""
    """SHA-256 over the hashes of the validation shards."""
    val_bytes: int | None = None
    """Bytes of the validation text."""
    artifacts: tuple[str, ...] = ()
    """SHA-256 of each seed's artifact."""
    looked: str = ""
    """How its number of seeds came to be, where it was chosen by looking at them."""


class Power(Strict):
    """What it takes to show a gain, if it and the deviations are as assumed."""

    gain_bpb: float
    """Assumed true gain, bits per byte."""
    gain_nats: float | None
    """The same in nats/token."""
    std_baseline: float | None
    """Assumed deviation between seeds, bits per byte; None against a number."""
    std_candidate: float
    std_from: str
    """Where the deviations come from."""
    now: float | None
    """Probability that seeds as many as these show it; None where they cannot be tested."""
    wanted: float
    """Probability that is asked for below."""
    most_seeds: int
    """As far as seeds were counted."""
    seeds_per_arm: int | None
    """Fewest seeds in each arm that show it so often; None where there are none, and against a number."""
    candidate_seeds: int | None
    """The candidate's, with the baseline as it is."""
    more_seeds: int | None
    """How many of them are still missing."""


class Look(Frozen):
    """What was found when a claim's seeds were looked at, and what came of it."""

    seeds: int
    """Candidate's, all those that had run."""
    p: float
    """One-sided, of the policy's test."""
    level: float
    """What p had to be below, here."""
    conditional_power: float | None = None
    """Probability that a later look would find the claim to hold, were the gain the claimed one; None where it holds
    and at the last look."""
    decision: Literal["go on", "holds", "futile", "not shown"]


class StageWise(Frozen):
    """p and interval of a gain whose seeds were added until it was decided; bits per byte."""

    p: float
    low: float
    """Lower end of the 95 % interval, two-sided."""
    high: float
    """Its upper end."""
    middle: float
    """The gain that is as likely to be exceeded as not: the measured one is too large after an early end."""


class Sequential(Frozen):
    """A claim whose seeds were added look by look."""

    order: list[int]
    """Seeds in their order, as registered before the first ran."""
    alpha: float
    tightened: float
    """What the levels were made for, so that `alpha` is kept with so few seeds."""
    spending: str
    looks: list[Look]
    stage_wise: StageWise | None
    """Of the last look; None before the first."""


class Comparison(Frozen):
    """A candidate's seeds held against a baseline by one policy; every score in bits per byte unless it says nats."""

    policy: PolicyName
    margin_nats: float
    """Gain that must be exceeded, nats/token."""
    alpha: float
    """p must be below it."""
    outcome: Literal["holds", "not shown", "undecided"]
    obstacles: list[str]
    """Why the test cannot decide."""
    notes: list[str]
    """What a reader must know beside the outcome."""
    baseline: Arm
    candidate: Arm
    target: float | None
    """The number to beat, where the test is against one."""
    nats_per_bpb: float | None
    """What turns bits per byte into nats/token here: the candidate's constant."""
    confidence_percent: int
    """Of every interval."""
    gain_bpb: float | None
    """Baseline's mean minus the candidate's."""
    gain_nats: float | None
    baseline_bpb: Sample | None
    candidate_bpb: Sample | None
    baseline_nats: Sample | None
    """The baseline in nats per token of the candidate's tokenizer."""
    candidate_nats: Sample | None
    test: GainTest | None
    """The policy's test, bits per byte; None where it cannot be done."""
    any_gain: GainTest | None
    """The same without a margin."""
    test_nats: GainTest | None
    """The policy's test in nats/token: the same p."""
    power: Power | None
    """At the measured gain."""
    power_at: Power | None
    """At the gain that is claimed or asked about."""
    sequential: Sequential | None = None
    """Where seeds were added until the claim was decided: its levels decide then, not `alpha` at one number."""
