"""Patterns that could take for ever are refused before anything runs; those that people need are not."""

from __future__ import annotations

import pytest

from runner.job.external_script import SCORE, STEP, STOP, TRAINED
from runner.logs.patterns import runs_away


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(a+)+$",
        r"(a|a)*b",
        r"(a|ab)*$",
        r"(\w+\s?)*x",
        r"(?:(?:a*)*)",
        r"(a?a?)*b",
        r"((a{1,9}){1,500})b",
        r"(?=(a+)+)b",
        r"(?>(a+)+c)",
        r"(x)?(?(1)(a+)+|b)c",
        r"(([a-z])+.)+[A-Z]",
    ],
)
def test_a_repetition_inside_an_endless_one_may_take_for_ever(pattern: str) -> None:
    assert runs_away(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        SCORE,
        STEP,
        TRAINED,
        STOP,
        r"^legal_ttt_exact val_loss:(?P<val_loss>\S+) val_bpb:(?P<val_bpb>\S+)",
        r"^(?P<rule>\w+)(?: exact)? .*loss (?P<val_loss>[-+\d.e]+), bpb (?P<val_bpb>[-+\d.e]+)",
        r"([ab]|c)*",
        r"(?:(\d{4})-)*x",
        r"(a|b){1,8}",
    ],
)
def test_patterns_of_scripts_as_they_are_may_stay(pattern: str) -> None:
    assert not runs_away(pattern)
