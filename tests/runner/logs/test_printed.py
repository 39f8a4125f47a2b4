"""Printed decimals: what they may stand for, exactly, and what their ratio says of a text."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runner.logs.printed import places, ratio_bounds, same_printed, value_and_half_unit


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("1.2500", Fraction(5, 4), Fraction(1, 20_000)),
        ("3", Fraction(3), Fraction(1, 2)),
        ("2.", Fraction(2), Fraction(1, 2)),
        ("1.25e-2", Fraction(1, 80), Fraction(1, 20_000)),
        (" -0.5 ", Fraction(-1, 2), Fraction(1, 20)),
    ],
)
def test_a_decimal_stands_for_half_a_unit_of_its_last_place_around_it(
    text: str, value: Fraction, half: Fraction
) -> None:
    assert value_and_half_unit(text) == (value, half)


@pytest.mark.parametrize("text", ["nan", "inf", "", "1.2.3", "1e400", "one", "1" * 5000, "0x10"])
def test_what_is_no_decimal_stands_for_nothing(text: str) -> None:
    assert value_and_half_unit(text) is None
    assert ratio_bounds(text, "1.2") is None
    assert places(text) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.25000100", "1.25000100", True),
        ("1.25000100", "1.25000101", False),
        ("1.2500", "1.25004999", True),
        ("1.2500", "1.25005", True),  # a tie may round either way
        ("1.2500", "1.25005001", False),
        ("1.25e0", "1.25", True),
        ("nan", "nan", False),
    ],
)
def test_two_decimals_are_one_number_to_the_precision_of_the_coarser(one: str, other: str, same: bool) -> None:
    assert same_printed(one, other) is same
    assert same_printed(other, one) is same


@given(st.floats(0.01, 20), st.floats(0.5, 8), st.integers(2, 12), st.integers(2, 12))
def test_rounding_never_puts_an_honest_ratio_outside(loss: float, ratio: float, first: int, second: int) -> None:
    bpb = loss / math.log(2) / ratio
    printed = f"{loss:.{first}f}", f"{bpb:.{second}f}"
    bounds = ratio_bounds(*printed)
    assume(bounds is not None)
    assert bounds is not None
    assert bounds[0] <= ratio <= bounds[1]


def test_eight_decimals_tell_the_bytes_of_the_contests_text_to_one_and_four_to_ten_thousand() -> None:
    tokens = 62_021_632
    wide = [(high - low) * tokens for low, high in filter(None, map(ratio_bounds, *zip(*PRINTED, strict=True)))]
    assert [round(one, 1) for one in wide] == [2.0, 19_923.4]


PRINTED = [("2.03860961", "1.20737944"), ("2.0386", "1.2074")]
"""The published baseline's last lines."""


def test_figures_that_say_nothing_have_no_ratio() -> None:
    assert ratio_bounds("0.0", "1.2") is None
    assert ratio_bounds("2.0", "0.00") is None
    assert ratio_bounds("-2.0", "1.20") is None


def test_published_logs_of_one_text_agree_on_its_bytes(shared: Path) -> None:
    """Scripts of many authors, one coverage: the intervals of all their lines share one whole number of bytes."""
    line = re.compile(r"val_loss:(\d\.\d{8}) val_bpb:(\d\.\d{8})\b")
    least, most, lines = 0.0, math.inf, 0
    for path in sorted((shared / "corpus" / "folders").glob("*/*")):
        if path.suffix in (".log", ".txt"):
            for found in line.finditer(path.read_text(errors="replace")):
                bounds = ratio_bounds(found[1], found[2])
                if bounds is not None and 1.68845809 < sum(bounds) / 2 * math.log(2) < 1.688458125:
                    lines += 1
                    least, most = max(least, bounds[0]), min(most, bounds[1])
    assert lines > 20
    assert (math.ceil(least * 62_021_632), math.floor(most * 62_021_632)) == (151_080_363, 151_080_363)
