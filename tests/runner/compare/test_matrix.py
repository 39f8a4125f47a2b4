"""Who beats whom: each pair by the test that `golf compare` does, and never more than it shows."""

from __future__ import annotations

import pytest

from runner.compare.compare import compare
from runner.compare.facts import Duel, Matrix
from runner.compare.matrix import matrix
from runner.statistics import holm
from tests.runner.compare.test_compare import arm

TEXT = {"validation": "ab" * 32, "tokenizer": "cd" * 32, "val_bytes": 1_000}


def duel(found: Matrix, candidate: str, baseline: str) -> Duel:
    names = [one.name for one in found.arms]
    return next(one for one in found.duels if (names[one.candidate], names[one.baseline]) == (candidate, baseline))


GOOD = arm(1.08, 1.081, 1.0805, name="good", **TEXT)
WORSE = arm(1.12, 1.121, 1.1205, name="worse", **TEXT)
NEAR = arm(1.0801, 1.0822, 1.0795, name="near", **TEXT)


def test_each_cell_is_what_golf_compare_says_of_the_two() -> None:
    found = matrix([WORSE, GOOD, NEAR], "progression")
    assert [one.name for one in found.arms] == ["good", "near", "worse"]
    assert len(found.duels) == found.tested == 6
    for one in found.duels:
        alone = compare(found.arms[one.baseline], found.arms[one.candidate], "progression")
        assert alone.test is not None
        assert (one.outcome, one.p) == (alone.outcome, alone.test.p)
        assert one.gain_nats == pytest.approx(alone.gain_nats)


def test_all_tests_of_the_square_are_corrected_together() -> None:
    found = matrix([GOOD, NEAR, WORSE], "readme")
    ps = [one.p for one in found.duels if one.p is not None]
    assert [one.p_holm for one in found.duels] == holm(ps)
    assert duel(found, "good", "worse").still
    assert not duel(found, "worse", "good").still


def test_a_win_that_many_tests_explain_does_not_hold_together() -> None:
    many = [arm(1.1 + step / 1e4, 1.1 + step / 9e3, 1.1003, name=f"n{step}", **TEXT) for step in range(1, 12)]
    found = matrix([*many, arm(1.08, 1.0795, 1.0806, name="first", **TEXT)], "readme")
    one = duel(found, "first", "n1")
    assert one.outcome == "holds"
    assert one.p_holm is not None
    assert one.p is not None
    assert one.p_holm > 10 * one.p


def test_what_cannot_be_tested_stands_aside_with_its_reason_and_is_never_a_loss() -> None:
    alone = arm(1.0, name="alone", **TEXT)
    rejected = arm(1.0, 1.1, name="bad", verdict="rejected", **TEXT)
    found = matrix([GOOD, alone, rejected, arm(name="empty"), WORSE], "readme")
    assert [one.name for one in found.arms] == ["good", "worse"]
    assert {one.name: why for one, why in found.aside} == {
        "alone": ("alone has one seed: without a second there is no deviation to test by",),
        "bad": ("bad is rejected, so its scores do not count",),
        "empty": ("empty has no score",),
    }


def test_a_pair_on_different_texts_is_undecided_and_has_no_p() -> None:
    other = arm(0.7, 0.701, 0.702, name="other", tokenizer="cd" * 32, validation="ef" * 32, val_bytes=1_000)
    one = duel(matrix([GOOD, other], "readme"), "other", "good")
    assert (one.outcome, one.p, one.p_holm) == ("undecided", None, None)
    assert one.obstacles == ("they were scored on different validation text",)


def test_a_text_that_nobody_knows_is_not_taken_for_the_same() -> None:
    stranger = arm(1.2, 1.201, 1.2005, name="stranger")
    found = matrix([GOOD, WORSE, stranger], "readme")
    assert duel(found, "good", "worse").one_text
    assert not duel(found, "good", "stranger").one_text
    assert duel(found, "good", "stranger").notes


def test_of_very_many_the_lowest_means_are_taken_and_the_rest_counted() -> None:
    arms = [arm(1 + step, 1.001 + step, name=f"n{step}", **TEXT) for step in range(7)]
    found = matrix(arms, "readme", most=3)
    assert [one.name for one in found.arms] == ["n0", "n1", "n2"]
    assert found.left_out == 4
    assert matrix(arms[:1], "readme").duels == ()
