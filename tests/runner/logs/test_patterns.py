"""A job's pattern takes time by the length of a line alone; what cannot be run so is refused when the job is read."""

from __future__ import annotations

import time

import pytest

from runner.job.external_script import PATTERNS, OutputsSpec
from runner.logs.patterns import MOST_CHARACTERS, PatternError, bounded_pattern

LONGEST = 1 << 16
"""Characters of the longest line that anybody looks at."""


def seconds_on(pattern: str, line: str) -> float:
    begun = time.perf_counter()
    bounded_pattern(pattern).search(line)
    return time.perf_counter() - begun


@pytest.mark.parametrize(
    "pattern",
    [
        r".*.*.*x",
        r"^(a+)+$",
        r"(a|a)*b",
        r"(a|ab)*$",
        r"(?:(?:a*)*)b",
        r"(a?a?)*b",
        r"((a{1,9}){1,50})b",
        r"(([a-z])+.)+[A-Z]",
        r"(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)y",
    ],
)
def test_the_worst_line_for_a_backtracking_matcher_takes_no_time(pattern: str) -> None:
    assert seconds_on(pattern, "a" * LONGEST) < 1


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(", "is no regular expression"),
        (r"(?=a)b", "without look-ahead"),
        (r"(a)\1", "back-references"),
        (r"a{2000}", "more than 1,000"),
        (r"a\Z", "cannot be run in bounded time"),
        ("a" * (MOST_CHARACTERS + 1), "at most 2,000 are read"),
        ("(" * 900 + ")" * 900, "regular expression|bounded time"),
        ("\ud800", "bounded time"),
    ],
)
def test_a_pattern_that_cannot_be_run_in_bounded_time_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        bounded_pattern(pattern)


def test_it_finds_what_pythons_own_matcher_finds() -> None:
    assert bounded_pattern(r"^\w+ ").search("ü a") is None  # \w is ASCII
    found = bounded_pattern(r"loss (?P<loss>[-+\d.e]+)(?P<none>x)?").search("ü a loss 1.5")
    assert found is not None
    assert found.groupdict() == {"loss": "1.5", "none": None}
    assert found.span() == (4, 12)


@pytest.mark.parametrize("name", [name for name in PATTERNS if OutputsSpec.model_fields[name].default])
@pytest.mark.parametrize("piece", ["a", "final_a val_loss:1 ", "final_", "step:1/1 ", "train_time:1", "1", " "])
def test_our_own_patterns_are_linear_under_pythons_matcher(name: str, piece: str) -> None:
    line = ("final_" + piece * LONGEST)[:LONGEST]
    begun = time.perf_counter()
    OutputsSpec().pattern(name).search(line)
    assert time.perf_counter() - begun < 1
