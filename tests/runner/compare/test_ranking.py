"""How far a cheap ranking holds: exact cases, planted noise, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest

from runner.compare.ranking import Pair, ranking


def pairs(cheap: list[float], expensive: list[float]) -> list[Pair]:
    return [Pair(f"v{n}", (one,), (two,)) for n, (one, two) in enumerate(zip(cheap, expensive, strict=True))]


def test_the_same_order_has_tau_one_and_a_reversed_one_minus_one() -> None:
    assert ranking(pairs([1.4, 1.3, 1.2, 1.1], [1.2, 1.15, 1.1, 1.0])).tau == pytest.approx(1.0)
    assert ranking(pairs([1.1, 1.2, 1.3, 1.4], [1.2, 1.15, 1.1, 1.0])).tau == pytest.approx(-1.0)


def test_tau_counts_pairs_in_order() -> None:
    found = ranking(pairs([1.4, 1.3, 1.2, 1.1], [1.4, 1.3, 1.1, 1.2]))
    assert found.tau == pytest.approx((5 - 1) / 6)
    assert found.best_rank == 2
    assert [one.cheap_rank for one in found.variants] == [4, 3, 2, 1]


def test_gains_are_counted_against_the_first_and_their_ratio_is_least_squares() -> None:
    found = ranking(pairs([1.40, 1.30, 1.20, 1.50], [1.20, 1.15, 1.10, 1.25]))
    assert [round(one.cheap_gain, 6) for one in found.variants] == [0.0, 0.1, 0.2, -0.1]
    assert found.ratio == pytest.approx(2.0)
    assert found.ratio_interval is None  # every draw gives the same


def test_the_interval_of_the_ratio_draws_each_variant_as_often_in_whatever_order_they_come() -> None:
    base, steep, others = (2.0, 1.0), (1.7, 0.9), [(1.9, 0.9), (1.85, 0.9), (1.8, 0.9), (1.88, 0.9)]
    found = []
    for listed in ([base, steep, *others], [base, *others, steep]):
        one = ranking(pairs([cheap for cheap, _ in listed], [expensive for _, expensive in listed]))
        assert one.ratio == pytest.approx(1.74)
        assert one.ratio_interval is not None
        found.append(one.ratio_interval)
    assert found[0] == pytest.approx(found[1], abs=0.05)
    assert found[0] == pytest.approx((1.2, 2.4), abs=0.15)


def test_an_order_that_no_draw_disturbs_has_no_interval_but_a_chance() -> None:
    found = ranking(pairs([1.4, 1.3, 1.2, 1.1], [1.2, 1.15, 1.1, 1.0]))
    assert found.tau_interval is None
    assert found.tau_p == pytest.approx(2 / 24)


def test_below_four_variants_nothing_is_known_of_the_ranking() -> None:
    found = ranking(pairs([1.4, 1.3, 1.2], [1.2, 1.1, 1.0]))
    assert (found.tau_interval, found.ratio_interval, found.promote) == (None, None, None)


def test_noise_widens_the_interval_and_asks_for_more_promotions() -> None:
    random = np.random.default_rng(3)
    truth = np.linspace(1.0, 1.1, 12)
    quiet = ranking(pairs(list(truth + random.normal(0, 0.001, 12)), list(truth)))
    noisy = ranking(pairs(list(truth + random.normal(0, 0.05, 12)), list(truth)))
    assert quiet.promote == 1
    assert noisy.promote is not None
    assert noisy.promote > 3
    assert noisy.tau_interval is not None
    assert noisy.tau_interval[0] < (noisy.tau or 0) < noisy.tau_interval[1]
    assert noisy.tau_interval[1] - noisy.tau_interval[0] > 0.3


def test_the_number_to_promote_keeps_the_best_in_nine_of_ten_worlds() -> None:
    """Worlds whose noise is known: the best is among so many in about 90 %, and clearly not among half as many."""
    random = np.random.default_rng(5)
    truth = np.linspace(1.0, 1.1, 10)
    kept = []
    for _ in range(30):
        told = ranking(pairs(list(truth + random.normal(0, 0.02, 10)), list(truth)))
        again = truth + random.normal(0, 0.02, 10)
        assert told.promote is not None
        kept.append((again < again[0]).sum() < told.promote)
    assert 0.8 < float(np.mean(kept)) <= 1.0


def test_seeds_are_resampled_where_each_variant_has_several() -> None:
    several = [Pair(f"v{n}", (1.0 + n / 100, 1.01 + n / 100), (1.0 + n / 50, 1.02 + n / 50)) for n in range(5)]
    assert ranking(several).resampled_seeds
    assert not ranking([*several, Pair("one", (1.0,), (1.0, 1.1))]).resampled_seeds


def test_all_alike_is_unknown() -> None:
    found = ranking(pairs([1.0] * 4, [1.0] * 4))
    assert (found.tau, found.ratio, found.promote) == (None, None, None)
