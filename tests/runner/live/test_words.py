"""Bars, curves and times as they stand on a screen."""

from __future__ import annotations

import math

import pytest

from runner.live.outlook import Outlook
from runner.live.words import bar, dollars, left_told, outlook_words, sparkline, time_told, total_told


def look(
    left: tuple[float, float] | None, spent: float | None = None, total: tuple[float, float] | None = None
) -> Outlook:
    return Outlook(left, False, spent, False, total)


def test_a_curve_goes_from_its_least_to_its_most_value() -> None:
    assert sparkline([8.0, 4.0, 2.0, 1.0]) == "█▆▃▁"  # evenly spaced in its logarithm
    assert sparkline([0.0, 1.0]) == "▁█"
    assert sparkline([3.0, 3.0, 3.0]) == "▁▁▁"
    assert len(sparkline([float(n) for n in range(1, 100)], 12)) == 12
    assert sparkline([1.0, math.nan]) == ""
    assert sparkline([]) == ""


def test_a_bar_is_full_at_its_limit_and_absent_where_something_is_unknown() -> None:
    assert [bar(value, 8.0) for value in (0.0, 3.9, 7.9, 8.0, 99.0)] == [
        *("░░░░░░░░", "███░░░░░", "███████░", "████████", "████████")
    ]
    assert [bar(None, 8.0), bar(1.0, None), bar(math.nan, 8.0), bar(1.0, 0.0)] == ["", "", "", ""]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (5399, "90 min"), (5400, "1.5 h")]
)
def test_a_time_has_its_unit(seconds: float, told: str) -> None:
    assert time_told(seconds) == told


def test_what_is_left_is_a_figure_or_both_ends_of_an_interval_never_one_of_them() -> None:
    assert left_told(look((240.0, 240.0))) == "about 4 min"
    assert left_told(look((60.0, 240.0))) == "60 s to 4 min"
    assert left_told(look((120.0, 240.0))) == "2 to 4 min"
    assert left_told(look((0.0, 240.0))) == "up to 4 min"
    assert left_told(look(None)) == left_told(None) == "–"


def test_dollars_are_a_dash_where_no_price_is_known_and_say_so_where_some_are_not_counted() -> None:
    assert dollars(None) == total_told(look(None)) == "–"
    assert dollars(0.0) == "$0.00"
    assert dollars(1234.5, at_least=True) == "at least $1,234.50"
    assert outlook_words(look((60, 90), 0.4, (1.2, 2.5))) == "60 to 90 s left; $0.40 spent, $1.20 to $2.50 in all"
    assert outlook_words(look(None)) == ""
    assert outlook_words(look((60, 60))) == "about 60 s left"
