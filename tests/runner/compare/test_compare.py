"""Arms held against each other: three policies, and every reason for which a test cannot decide."""

from __future__ import annotations

from typing import Any

import pytest

from runner.compare.compare import POLICIES, compare
from runner.record.comparison_sources import arm_of_record
from runner.results.comparisons import Arm, Comparison
from runner.results.datasets import DataFacts
from runner.results.record import RecordData
from tests.fixtures.places import DOCS
from tests.fixtures.results import LOSSES, record, run_result, score, verification

BETTER = {1337: 3.61, 42: 3.605, 2024: 3.615}
"""Losses of a job that truly beats the sample record, by 0.09 nats/token."""


def arm(*scores: float, **known: Any) -> Arm:
    return Arm(**{"name": "one", "val_bpb": scores, "nats_per_bpb": 2.5, **known})


def another(losses: dict[int, float] = BETTER, **changes: Any) -> RecordData:
    """A record of another job on the same data: other scores, other weights."""
    results = []
    for number, (seed, loss) in enumerate(losses.items()):
        one = run_result(seed, final_score=score(loss))
        assert one.artifact is not None
        results.append(
            one.model_copy(update={"artifact": one.artifact.model_copy(update={"sha256": f"{number:064d}"})})
        )
    seeds = tuple(losses)
    hashes = [verification(seed, artifact_sha256=f"{number:064d}") for number, seed in enumerate(seeds)]
    whole = {"name": "other", "run": "other-99999999", "verdict": record().verdict, **changes}
    return record(results, hashes, seeds=seeds, **whole)


def of_records(candidate: RecordData, policy: Any = "readme", **changes: Any) -> Comparison:
    return compare(arm_of_record(record(**changes)), arm_of_record(candidate), policy)


def test_a_truly_better_record_holds_by_every_policy_and_the_worse_one_does_not() -> None:
    for policy in ("readme", "progression", "target"):
        found = of_records(another(), policy)
        assert (found.outcome, found.obstacles) == ("holds", [])
        back = compare(arm_of_record(another()), arm_of_record(record()), policy)
        assert (back.outcome, back.obstacles) == ("not shown", [])


def test_both_units_say_the_same_by_the_candidates_measured_constant() -> None:
    found = of_records(another())
    constant = score(3.7).val_loss / score(3.7).val_bpb
    assert found.nats_per_bpb == pytest.approx(constant)
    assert found.test is not None
    assert found.test_nats is not None
    assert found.baseline_nats is not None
    assert found.baseline_nats.mean == pytest.approx(sum(LOSSES.values()) / 3)
    assert found.test_nats.gain == pytest.approx(sum(LOSSES.values()) / 3 - sum(BETTER.values()) / 3)
    assert found.test_nats.margin == pytest.approx(0.005)
    assert found.test.margin == pytest.approx(0.005 / constant)
    assert (found.test.p, found.test.df) == (found.test_nats.p, found.test_nats.df)
    assert found.notes == []


def test_a_gain_under_the_margin_is_shown_to_progression_alone() -> None:
    one = arm(1.1000, 1.1001, 1.1002)
    two = arm(1.0990, 1.0991, 1.0992)  # 0.001 bpb, 0.0025 nats/token
    assert compare(one, two).outcome == "not shown"
    assert compare(one, two, "progression").outcome == "holds"


def test_a_target_is_a_number_whose_own_uncertainty_does_not_count() -> None:
    found = compare(arm(1.1), arm(1.0990, 1.0991, 1.0992), "target")
    assert (found.outcome, found.target) == ("holds", 1.1)
    assert compare(arm(1.0992), arm(1.0990, 1.0991, 1.0992), "target").outcome == "not shown"
    several = compare(arm(1.2, 1.0, name="two"), arm(1.0990, 1.0991, 1.0992), "target")
    assert several.target == pytest.approx(1.1)
    assert any("mean of two" in note for note in several.notes)


def test_the_documentation_states_each_policy_as_it_is() -> None:
    text = (DOCS / "statistics.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    stated = {row[0].strip("`"): (row[1], float(row[2]), float(row[3]), row[4]) for row in rows if len(row) == 5}
    assert stated == {
        name: (rule.rule, rule.margin_nats, rule.alpha, "one sample" if rule.against_number else "Welch")
        for name, rule in POLICIES.items()
    }


UNDECIDED: dict[str, tuple[Arm, Arm, str]] = {
    "one seed": (arm(1.1, 1.2), arm(1.0), "one seed: without a second"),
    "one seed of the baseline": (arm(1.1), arm(1.0, 1.01), "one seed: without a second"),
    "no seed": (arm(), arm(1.0, 1.01), "one has no score"),
    "no spread": (arm(1.1, 1.2), arm(1.0, 1.0, 1.0), "all 3 scores are the same"),
    "no spread of the baseline": (arm(1.1, 1.1), arm(1.0, 1.01), "all 2 scores are the same"),
    "no spread but for rounding": (arm(1.1, 1.2), arm(1.0, 1.0 + 1e-15), "are the same"),
    "a seed counted twice": (arm(1.1, 1.2), arm(1.01234567, 1.01234567, 1.02), "1.01234567 stands twice"),
    "a seed in both arms": (arm(1.01234567, 1.2), arm(1.01234567, 1.02), "stands in both arms"),
    "an artifact in both arms": (
        arm(1.1, 1.2, artifacts=("a", "b")),
        arm(1.0, 1.01, artifacts=("b",)),
        "same artifact",
    ),
    "one run": (arm(1.1, 1.2, run="x-1"), arm(1.0, 1.01, run="x-1"), "both are of one run, x-1"),
    "rejected": (arm(1.1, 1.2), arm(1.0, 1.01, verdict="rejected"), "one is rejected"),
    "unverified": (arm(1.1, 1.2, verdict="unverified"), arm(1.0, 1.01), "one is unverified"),
    "not all scored": (arm(1.1, 1.2), arm(1.0, 1.01, unscored=1), "1 of 3 seeds have no score"),
    "audited with errors": (arm(1.1, 1.2), arm(1.0, 1.01, problem="its audit finds errors: x"), "audit finds errors"),
    "no constant": (arm(1.1, 1.2, nats_per_bpb=None), arm(1.0, 1.01, nats_per_bpb=None), "no nats_per_bpb is known"),
    "other text": (
        arm(1.1, 1.2, tokenizer="t", validation="a"),
        arm(1.0, 1.01, tokenizer="t", validation="b"),
        "different validation text",
    ),
    "other text by its length": (
        arm(1.1, 1.2, val_bytes=1000),
        arm(1.0, 1.01, val_bytes=1002),
        "different validation text: 1,000 and 1,002 bytes",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_cannot_be_decided_says_why(name: str) -> None:
    one, two, said = UNDECIDED[name]
    found = compare(one, two)
    assert found.outcome == "undecided"
    assert [reason for reason in found.obstacles if said in reason]
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_a_rejected_record_beats_nothing_however_good_its_scores() -> None:
    rejected = another(verdict=record().verdict.model_copy(update={"status": "rejected"}))
    found = of_records(rejected)
    assert found.outcome == "undecided"
    assert found.test is not None  # the arithmetic is still there, the outcome is not
    assert found.test.p < 0.01


def test_a_record_is_not_compared_with_itself() -> None:
    found = compare(arm_of_record(record()), arm_of_record(record()))
    assert found.outcome == "undecided"
    assert "same artifact" in found.obstacles[0]


def test_other_validation_shards_by_the_same_tokenizer_cannot_be_compared() -> None:
    facts = record().data
    other = DataFacts(**{**facts.model_dump(), "files": {**facts.files, "fineweb_val_000000.bin": "00" * 32}})
    assert "different validation text" in of_records(another(data=other)).obstacles[0]


def test_different_tokenizers_are_compared_in_bpb_and_converted_by_the_candidates() -> None:
    found = compare(arm(1.1, 1.101, nats_per_bpb=1.6884), arm(1.0, 1.001, nats_per_bpb=2.1884))
    assert found.nats_per_bpb == 2.1884
    assert found.outcome == "holds"
    assert any("tokenizers differ" in note and "2.1884" in note for note in found.notes)
    assert not compare(arm(1.1, 1.101, nats_per_bpb=2.1884), arm(1.0, 1.001, nats_per_bpb=2.18841)).notes[1:]


def test_what_is_not_known_of_the_text_is_said_and_the_same_tokenizer_is_not_called_another() -> None:
    unknown = compare(arm(1.1, 1.2, validation="a"), arm(1.0, 1.01, validation="b"))
    assert unknown.obstacles == []
    assert "whether both were scored on the same validation text is not known here" in unknown.notes
    known = {"tokenizer": "t", "validation": "v"}
    other_tokens = compare(arm(1.1, 1.2, **known), arm(1.0, 1.01, **{**known, "nats_per_bpb": 2.6}))
    assert [note for note in other_tokens.notes if "different tokens of the text" in note]
    assert not [note for note in other_tokens.notes if "tokenizers differ" in note]


def test_a_gain_to_plan_for_needs_a_constant() -> None:
    bare = {"nats_per_bpb": None}
    assert compare(arm(1.1, 1.2, **bare), arm(1.0, 1.01, **bare), "progression", true_gain=0.1).power_at is None


def test_few_digits_that_agree_may_be_chance() -> None:
    found = compare(arm(1.08, 1.08, 1.09), arm(1.0, 1.01))
    assert found.outcome == "holds"
    assert any("may be chance" in note for note in found.notes)


def test_seeds_that_were_never_scored_belong_to_the_arm() -> None:
    data = another()
    unscored = data.results[0].model_copy(update={"final_score": None})
    arms = arm_of_record(data.model_copy(update={"results": [unscored, *data.results[1:]]}))
    assert (len(arms.val_bpb), arms.unscored, arms.seeds) == (2, 1, (42, 2024))


def test_power_is_told_at_the_measured_gain_and_at_the_one_asked_about() -> None:
    one, two = arm(1.1000, 1.1005, 1.1010), arm(1.0960, 1.0965, 1.0970)
    found = compare(one, two, true_gain=0.015)
    assert found.power is not None
    assert found.power.gain_nats == pytest.approx(0.01)
    assert found.power.now is not None
    assert found.power_at is not None
    assert found.power_at.gain_bpb == pytest.approx(0.006)
    assert found.power_at.now is not None
    assert found.power_at.now > found.power.now
    assert found.power_at.seeds_per_arm is not None
    assert found.power.seeds_per_arm is not None
    assert found.power_at.seeds_per_arm < found.power.seeds_per_arm


def test_an_arm_of_one_seed_is_planned_for_with_the_others_deviation() -> None:
    found = compare(arm(1.1000, 1.1005, 1.1010), arm(1.09))
    assert found.power is not None
    assert found.power.now is None
    assert found.power.std_candidate == found.power.std_baseline
    assert "assumed" in found.power.std_from
    assert found.power.candidate_seeds is not None
