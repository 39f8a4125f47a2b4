"""Does a candidate beat a baseline? Two arms held against each other by a policy, or why that cannot be decided.

Pure. Tests are done in bits per byte, which do not depend on the tokenizer; margins and gains in nats/token are
converted by the candidate's own constant, nats_per_bpb. Where arms come from is arms.py's, formulas statistics.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runner.results import Arm, Comparison, PolicyName, Power
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


@dataclass(frozen=True)
class Policy:
    """What a gain must be to count."""

    margin_nats: float
    """The true gain must exceed it, nats/token."""
    alpha: float
    """The one-sided p must be below it."""
    rule: str
    """In words."""
    against_number: bool = False
    """One-sample test against a number instead of Welch's against seeds."""


POLICIES: dict[PolicyName, Policy] = {
    "readme": Policy(0.005, 0.01, "a gain of at least 0.005 nats/token at p < 0.01"),
    "progression": Policy(0.0, 0.25, "any gain at p < 0.25"),
    "target": Policy(0.0, 0.01, "a mean below the number at p < 0.01", against_number=True),
}
SAME_TOKENIZER = 1e-4
"""Constants that differ by less, relatively, are of one tokenizer: published losses have few digits."""
SAME_TEXT = 1e-3
"""Byte counts that differ by less may be of one text by two tokenizers, which may treat spaces differently."""
FEW_DIGITS = 5
"""Scores with no more decimals than this may agree by chance."""
NO_SPREAD = 1e-12
"""Scores that differ by less, relatively, are the same."""


def compare(
    baseline: Arm, candidate: Arm, policy: PolicyName = "readme", true_gain: float | None = None
) -> Comparison:
    """Hold `candidate` against `baseline`.

    true_gain: a gain to plan for, in nats/token where the constant is known, else in bits per byte.
    """
    rule = POLICIES[policy]
    constant = candidate.nats_per_bpb or baseline.nats_per_bpb
    margin = None if constant is None and rule.margin_nats else rule.margin_nats / (constant or 1.0)
    obstacles = list(_obstacles(baseline, candidate, rule))
    if margin is None:
        obstacles.append(
            "the margin is in nats/token and no nats_per_bpb is known: give val_loss / val_bpb of its data"
        )
    one, two = _sample(baseline), _sample(candidate)
    target = one.mean if rule.against_number and one is not None else None
    tested = [candidate] if rule.against_number else [baseline, candidate]
    testable = all(deviation(arm) is not None for arm in tested) and bool(baseline.val_bpb)
    test = _test(baseline, candidate, target, margin) if testable and margin is not None else None
    measured = None if one is None or two is None else one.mean - two.mean
    claimed = None if true_gain is None else true_gain / (constant or 1.0)
    outcome = "undecided" if obstacles or test is None else "holds" if test.p < rule.alpha else "not shown"
    return Comparison(
        policy=policy,
        margin_nats=rule.margin_nats,
        alpha=rule.alpha,
        outcome=outcome,
        obstacles=obstacles,
        notes=list(_notes(baseline, candidate, rule, constant)),
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
        any_gain=_test(baseline, candidate, target, 0.0) if testable else None,
        test_nats=None if test is None or constant is None else _scaled(test, constant),
        power=_power(baseline, candidate, rule, margin, measured, constant),
        power_at=_power(baseline, candidate, rule, margin, claimed, constant),
    )


def _sample(arm: Arm, scale: float | None = 1.0) -> Sample | None:
    return describe([scale * value for value in arm.val_bpb]) if arm.val_bpb and scale is not None else None


def _test(baseline: Arm, candidate: Arm, target: float | None, margin: float) -> GainTest:
    if target is not None:
        return one_sample(candidate.val_bpb, target, margin)
    return welch(baseline.val_bpb, candidate.val_bpb, margin)


def _scaled(test: GainTest, scale: float) -> GainTest:
    """The test in another unit; t, its degrees of freedom and p have none."""
    changed = {name: getattr(test, name) * scale for name in ("gain", "margin", "low", "high")}
    return test.model_copy(update=changed)


# ---- why it cannot be decided ----


def _obstacles(baseline: Arm, candidate: Arm, rule: Policy) -> Iterator[str]:
    yield from arm_obstacles(baseline, number=rule.against_number)
    yield from arm_obstacles(candidate, number=False)
    yield from _shared(baseline, candidate)
    yield from _other_text(baseline, candidate)


def arm_obstacles(arm: Arm, *, number: bool) -> Iterator[str]:
    """Why no test with this arm can decide. number: it stands for a number to beat and needs no deviation."""
    if arm.verdict not in (None, "passed"):
        yield f"{arm.name} is {arm.verdict}, so its scores do not count"
    if arm.problem:
        yield f"{arm.name}: {arm.problem}"
    if arm.unscored:
        yield f"{arm.name}: {arm.unscored} of {arm.unscored + len(arm.val_bpb)} seeds have no score"
    yield from _too_few(arm, number=number)


def _too_few(arm: Arm, *, number: bool) -> Iterator[str]:
    count = len(arm.val_bpb)
    if not count:
        yield f"{arm.name} has no score"
    if number:
        return
    if count == 1:
        yield f"{arm.name} has one seed: without a second there is no deviation to test by"
    elif count and _without_spread(arm):
        yield f"{arm.name}: all {count} scores are the same, so how seeds scatter is not known"
    else:
        for value in sorted(value for value in set(arm.val_bpb) if arm.val_bpb.count(value) > 1 and _long(value)):
            yield f"{arm.name}: {value!r} stands twice, to the last digit: one seed counted more than once"


def _without_spread(arm: Arm) -> bool:
    return bool(arm.val_bpb) and max(arm.val_bpb) - min(arm.val_bpb) <= NO_SPREAD * abs(max(arm.val_bpb))


def _shared(baseline: Arm, candidate: Arm) -> Iterator[str]:
    """Runs that stand in both arms, which are then not independent."""
    if set(baseline.artifacts) & set(candidate.artifacts):
        yield "both hold the same artifact: a run counted in both is no evidence"
    elif baseline.run and baseline.run == candidate.run:
        yield f"both are of one run, {baseline.run}: seeds of one job and script differ by chance alone"
    else:
        for value in sorted(value for value in set(baseline.val_bpb) & set(candidate.val_bpb) if _long(value)):
            yield f"{value!r} stands in both arms, to the last digit: one run counted in both"


def _other_text(baseline: Arm, candidate: Arm) -> Iterator[str]:
    known = baseline.validation and candidate.validation and baseline.tokenizer and candidate.tokenizer
    if known and baseline.tokenizer == candidate.tokenizer and baseline.validation != candidate.validation:
        yield "they were scored on different validation text"
    elif not _may_be_one_text(baseline, candidate):
        yield (
            f"they were scored on different validation text: {baseline.val_bytes:,} and {candidate.val_bytes:,} bytes"
        )


def _may_be_one_text(baseline: Arm, candidate: Arm) -> bool:
    one, two = baseline.val_bytes, candidate.val_bytes
    return one is None or two is None or abs(one - two) <= SAME_TEXT * max(one, two)


def _long(value: float) -> bool:
    return round(value, FEW_DIGITS) != value


# ---- what a reader must know ----


def _notes(baseline: Arm, candidate: Arm, rule: Policy, constant: float | None) -> Iterator[str]:
    yield from _tokenizer_notes(baseline, candidate, constant)
    if not (baseline.validation and candidate.validation):
        yield "whether both were scored on the same validation text is not known here"
    elif baseline.tokenizer != candidate.tokenizer:
        yield "with different tokenizers only the length of the validation text could be compared, not the text"
    if baseline.track and candidate.track and baseline.track != candidate.track:
        yield f"they are of different tracks: {baseline.track} and {candidate.track}"
    if rule.against_number and len(baseline.val_bpb) > 1:
        yield f"the number to beat is the mean of {baseline.name}; that it is uncertain itself does not count here"
    for arm in (baseline, candidate):
        if any(arm.val_bpb.count(value) > 1 and not _long(value) for value in arm.val_bpb) and not _without_spread(
            arm
        ):
            yield f"{arm.name}: a score stands twice; with so few digits that may be chance"


def _tokenizer_notes(baseline: Arm, candidate: Arm, constant: float | None) -> Iterator[str]:
    one, two = baseline.nats_per_bpb, candidate.nats_per_bpb
    if constant is None:
        yield "no nats_per_bpb is known, so nothing is said in nats/token"
    elif one is not None and two is not None and abs(one - two) > SAME_TOKENIZER * two:
        yield (
            f"the tokenizers differ ({one:.6g} and {two:.6g} nats/token per bpb), so nats/token of both cannot be "
            f"set against each other: bpb are compared, and converted by the candidate's {two:.6g}"
        )
    elif two is None:
        yield f"the candidate's nats_per_bpb is not known: converted by the baseline's {constant:.6g}"
    elif one is None:
        yield f"the baseline's nats_per_bpb is not known: bpb are converted by the candidate's {two:.6g}"


# ---- power ----


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


def deviation(arm: Arm) -> float | None:
    """Sample deviation of an arm's scores, bits per byte; None where they have no spread to tell it by."""
    return None if _without_spread(arm) or len(arm.val_bpb) < 2 else describe(arm.val_bpb).std


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
    if not own or (not theirs and not rule.against_number):
        return None
    excess = gain - margin
    if rule.against_number:
        now = one_sample_power(excess, own, sizes[1], rule.alpha) if sizes[1] > 1 else None
        per_arm, alone = None, target_seeds(excess, own, rule.alpha)
    else:
        both = (theirs or own, own)
        now = welch_power(excess, both, sizes, rule.alpha) if min(sizes) > 1 else None
        per_arm = seeds_per_arm(excess, both, rule.alpha)
        alone = candidate_seeds(excess, both, sizes[0], rule.alpha) if sizes[0] > 1 else None
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
