"""Comparisons at their boundaries: p at the level, a gain at the margin, scores that hardly differ."""

from __future__ import annotations

import math

import pytest

from runner.compare.compare import POLICIES, compare, plan_power
from runner.compare.obstacles import NO_SPREAD, SAME_CONSTANT, SAME_TEXT, deviation, obstacles_of
from runner.statistics import one_sample_power, welch
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
