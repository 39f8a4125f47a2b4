"""Comparisons at their boundaries: p at the level, a gain at the margin, scores that hardly differ."""

from __future__ import annotations

import math

import pytest

from runner.compare.compare import POLICIES, compare, plan_power
from runner.compare.obstacles import NO_SPREAD, SAME_CONSTANT, SAME_TEXT, deviation, notes_of, obstacles_of
from runner.results.comparisons import Arm
from runner.statistics import candidate_seeds, one_sample_power, seeds_per_arm, target_seeds, welch, welch_power
from tests.runner.compare.test_compare import arm


def test_the_policies_are_the_published_ones() -> None:
    told = {name: (rule.margin_nats, rule.alpha, rule.against_number) for name, rule in POLICIES.items()}
    assert told == {
        "readme": (0.005, 0.01, False),
        "progression": (0.0, 0.25, False),
        "target": (0.0, 0.01, True),
    }


@pytest.mark.parametrize(
    ("p", "outcome"), [(0.01, "not shown"), (math.nextafter(0.01, 0.0), "holds"), (math.nan, "not shown")]
)
def test_a_p_that_equals_the_level_shows_nothing(p: float, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.compare.compare.welch", lambda *given: welch(*given).model_copy(update={"p": p}))
    found = compare(arm(1.1, 1.101), arm(1.0, 1.001), "readme")
    assert found.outcome == outcome


def test_a_margin_in_nats_is_asked_in_bpb_by_the_candidates_constant() -> None:
    found = compare(arm(1.1, 1.101), arm(1.0, 1.001, nats_per_bpb=2.0), "readme")
    assert found.test is not None
    assert found.test.margin == 0.0025
    assert found.gain_bpb == pytest.approx(0.1)
    assert found.gain_nats == pytest.approx(0.2)
    assert found.confidence_percent == 95
    other = compare(arm(1.1, 1.101), arm(1.0, 1.001, nats_per_bpb=None), "readme")
    assert other.test is not None
    assert other.test.margin == 0.002


@pytest.mark.parametrize(("apart", "spread"), [(0.0, False), (0.5, False), (2.0, True)])
def test_scores_that_differ_by_less_than_rounding_have_no_deviation(apart: float, spread: bool) -> None:
    scores = (1.0, 1.0 + apart * NO_SPREAD)
    assert (deviation(arm(*scores)) is not None) is spread
    told = list(obstacles_of(arm(1.1, 1.2), arm(*scores), number=False))
    assert any("are the same" in reason for reason in told) is not spread


def test_a_deviation_takes_two_scores() -> None:
    assert deviation(arm()) is None
    assert deviation(arm(1.0)) is None
    assert deviation(arm(1.0, 1.2)) == pytest.approx(math.sqrt(0.02))


def test_against_a_number_only_the_candidate_needs_a_deviation() -> None:
    one = compare(arm(1.1), arm(1.0, 1.001, 1.002), "target")
    assert (one.outcome, one.target, one.obstacles) == ("holds", 1.1, [])
    assert compare(arm(1.1, 1.1), arm(1.0), "target").outcome == "undecided"
    assert compare(arm(1.1), arm(1.0, 1.001, 1.002), "readme").outcome == "undecided"


def test_what_it_takes_is_planned_from_both_deviations_and_no_seed_is_taken_back() -> None:
    rule = POLICIES["progression"]
    plan = plan_power(0.01, 0.0, rule, 2.0, stds=(0.001, 0.002), sizes=(3, 40), std_from="x")
    assert plan is not None
    assert (plan.std_baseline, plan.std_candidate, plan.gain_nats) == (0.001, 0.002, 0.02)
    assert (plan.more_seeds, plan.wanted) == (0, 0.8)
    assert plan.candidate_seeds is not None
    assert plan.candidate_seeds <= 40
    for stds in ((None, 0.002), (0.001, None), (0.001, 0.0)):
        assert plan_power(0.01, 0.0, rule, 2.0, stds=stds, sizes=(3, 3), std_from="x") is None
    alone = plan_power(0.01, 0.0, POLICIES["target"], None, stds=(None, 0.002), sizes=(1, 3), std_from="x")
    assert alone is not None
    assert (alone.std_baseline, alone.seeds_per_arm, alone.gain_nats) == (None, None, None)
    assert alone.now == one_sample_power(0.01, 0.002, 3, POLICIES["target"].alpha)
    first = plan_power(0.01, 0.0, POLICIES["target"], None, stds=(None, 0.002), sizes=(3, 1), std_from="x")
    assert first is not None
    assert first.now is None
    two = plan_power(0.01, 0.0, rule, 2.0, stds=(0.001, 0.002), sizes=(2, 2), std_from="x")
    assert two is not None
    assert two.now == welch_power(0.01, (0.001, 0.002), (2, 2), rule.alpha)
    assert two.candidate_seeds == candidate_seeds(0.01, (0.001, 0.002), 2, rule.alpha)
    assert two.seeds_per_arm == seeds_per_arm(0.01, (0.001, 0.002), rule.alpha)
    assert two.more_seeds == max(0, (two.candidate_seeds or 0) - 2)
    pair = plan_power(0.01, 0.0, POLICIES["target"], 2.0, stds=(None, 0.002), sizes=(1, 2), std_from="x")
    assert pair is not None
    assert pair.now == one_sample_power(0.01, 0.002, 2, POLICIES["target"].alpha)
    assert pair.candidate_seeds == target_seeds(0.01, 0.002, POLICIES["target"].alpha)
    one = plan_power(0.01, 0.0, rule, 2.0, stds=(0.001, 0.002), sizes=(1, 3), std_from="x")
    assert one is not None
    assert (one.now, one.candidate_seeds) == (None, None)
    assert one.seeds_per_arm is not None


@pytest.mark.parametrize(("share", "other"), [(0.5, False), (2.0, True), (-2.0, True), (-0.5, False)])
def test_constants_are_others_beyond_rounding_of_the_candidates(share: float, other: bool) -> None:
    assert (SAME_CONSTANT, SAME_TEXT) == (1e-4, 1e-3)
    theirs = 2.5 * (1 + share * SAME_CONSTANT)
    found = compare(arm(1.1, 1.101, nats_per_bpb=theirs), arm(1.0, 1.001), "readme")
    assert any("nats/token per bpb" in note for note in found.notes) is other


@pytest.mark.parametrize(("share", "other"), [(0.5, False), (2.0, True)])
def test_texts_are_others_beyond_a_share_of_their_length(share: float, other: bool) -> None:
    size = 10**12
    longer = round(size * (1 + share * SAME_TEXT))
    for one, two in ((size, longer), (longer, size)):
        found = compare(arm(1.1, 1.101, val_bytes=one), arm(1.0, 1.001, val_bytes=two), "readme")
        assert any("different validation text" in reason for reason in found.obstacles) is other


def test_seeds_are_counted_up_to_two_hundred() -> None:
    told = plan_power(0.0001, 0.0, POLICIES["progression"], 2.0, stds=(0.01, 0.01), sizes=(3, 3), std_from="measured")
    assert told is not None
    assert (told.most_seeds, told.seeds_per_arm, told.candidate_seeds, told.more_seeds) == (200, None, None, None)
    assert told.now == pytest.approx(0.2471598, abs=1e-6)  # Welch's test of so few seeds errs less than its level


def told_of(one: Arm, two: Arm, *, number: bool = False) -> list[str]:
    return list(obstacles_of(one, two, number=number))


def test_texts_whose_lengths_differ_by_a_thousandth_of_the_longer_may_be_one() -> None:
    base = arm(1.1, 1.2, val_bytes=1000)
    for size, other in ((1000, False), (999, False), (998, True), (1001, False), (1002, True)):
        assert bool(told_of(base, arm(1.0, 1.01, val_bytes=size))) is other
    assert told_of(arm(1.1, 1.2), arm(1.0, 1.01, val_bytes=1)) == []
    assert told_of(arm(1.1, 1.2, val_bytes=1), arm(1.0, 1.01)) == []


def test_constants_that_are_a_ten_thousandth_apart_are_one() -> None:
    two = 9.765625  # a ten thousandth of it can be added to it and taken off again without rounding
    one = two + 1e-4 * two
    assert one - two == 1e-4 * two
    for theirs, other in ((one, False), (math.nextafter(one, 99.0), True), (two, False)):
        notes = compare(arm(1.1, 1.101, nats_per_bpb=theirs), arm(1.0, 1.001, nats_per_bpb=two), "readme").notes
        assert any("nats/token per bpb" in note for note in notes) is other


def test_all_scores_nought_are_the_same_and_a_value_of_five_decimals_is_short() -> None:
    assert NO_SPREAD == 1e-12
    assert deviation(arm(0.0, 0.0)) is None
    assert told_of(arm(1.1, 1.2), arm(1.01, 1.01, 1.02)) == []
    assert told_of(arm(1.1, 1.2), arm(1.01234, 1.01234, 1.02)) == []
    twice = "one: 1.012345 stands twice, to the last digit: one seed counted more than once"
    assert told_of(arm(1.1, 1.2), arm(1.012345, 1.012345, 1.02)) == [twice]
    assert told_of(arm(1.01234, 1.2), arm(1.01234, 1.02)) == []
    both = "1.012345 stands in both arms, to the last digit: one run counted in both"
    assert told_of(arm(1.012345, 1.2), arm(1.012345, 1.02)) == [both]


def test_what_no_arm_can_be_tested_by_is_said_of_each_and_a_number_needs_no_deviation() -> None:
    one = arm(1.1, name="base", unscored=2)
    assert told_of(one, arm(1.0, 1.01)) == [
        "base: 2 of 3 seeds have no score",
        "base has one seed: without a second there is no deviation to test by",
    ]
    assert told_of(one, arm(1.0, 1.01), number=True) == ["base: 2 of 3 seeds have no score"]
    assert told_of(arm(name="base"), arm(1.0, 1.01), number=True) == ["base has no score"]
    assert told_of(arm(name="base"), arm(1.0, 1.01)) == ["base has no score"]
    same = "base: all 2 scores are the same, so how seeds scatter is not known"
    assert told_of(arm(1.1, 1.1, name="base"), arm(1.0, 1.01)) == [same]


def test_notes_say_what_is_known_of_text_track_and_looks() -> None:
    known = {"tokenizer": "t", "validation": "v"}

    def notes(one: Arm, two: Arm, *, number: bool = False, constant: float | None = 2.5) -> list[str]:
        return list(notes_of(one, two, constant, number=number))

    alike = arm(1.1, 1.2, **known), arm(1.0, 1.01, **known)
    assert notes(*alike) == []
    assert notes(alike[0], arm(1.0, 1.01, tokenizer="u", validation="w")) == [
        "with different tokenizers only the length of the validation text could be compared, not the text"
    ]
    unknown = "whether both were scored on the same validation text is not known here"
    assert notes(alike[0], arm(1.0, 1.01, tokenizer="t")) == [unknown]
    assert notes(arm(1.1, 1.2, validation="v"), alike[1]) == [unknown]
    tracks = [arm(1.1, 1.2, track=name, **known) for name in ("local", "other", "")]
    assert notes(tracks[0], tracks[1]) == ["they are of different tracks: local and other"]
    assert notes(tracks[0], tracks[0]) == notes(tracks[0], tracks[2]) == notes(tracks[2], tracks[1]) == []
    mean = "the number to beat is the mean of one; that it is uncertain itself does not count here"
    assert notes(*alike, number=True) == [mean]
    assert notes(arm(1.1, **known), alike[1], number=True) == []
    looked = notes(arm(1.1, 1.2, looked="after 4", **known), alike[1])
    assert len(looked) == 1
    assert looked[0].startswith("one: its seeds were added until a look decided (after 4), so")
    assert notes(arm(1.1, 1.1, 1.2, **known), alike[1]) == [
        "one: a score stands twice; with so few digits that may be chance"
    ]
    assert notes(arm(1.1, 1.1, **known), alike[1]) == notes(arm(1.012345, 1.012345, 1.2, **known), alike[1]) == []
    assert notes(*alike, constant=None) == ["no nats_per_bpb is known, so nothing is said in nats/token"]
    bare = {"nats_per_bpb": None, **known}
    assert notes(alike[0], arm(1.0, 1.01, **bare)) == [
        "the candidate's nats_per_bpb is not known: converted by the baseline's 2.5"
    ]
    assert notes(arm(1.1, 1.2, **bare), alike[1]) == [
        "the baseline's nats_per_bpb is not known: bpb are converted by the candidate's 2.5"
    ]
