"""Which number of a README is its claim, and which never is."""

from __future__ import annotations

import pytest

from runner.audit.claims.headline import headline_of
from runner.audit.claims.seed_claims import seeds_in_words
from runner.audit.claims.shown import Shown


@pytest.mark.parametrize(
    "line",
    [
        "**val_bpb: 1.1234** (3-seed mean)",
        "# An entry – val_bpb 1.1234",
        "Score: **1.1234** bits per byte.",
        "val_bpb = 1.1234",
        "**Mean val_bpb = 1.1234** (5 seeds, std=0.0026)",
        "| Mean val_bpb | **1.1234** |",
        "| **Mean** | 1.1234 |",
    ],
)
def test_a_place_that_says_it_is_the_entrys_score(line: str) -> None:
    assert headline_of(["# An entry", "", line], "README.md") == 1.1234


@pytest.mark.parametrize(
    "line",
    [
        "Momentum 0.9500 and weight decay 0.0400, mean of both 0.4950",
        "The baseline has val_bpb 1.2244",
        "Expected val_bpb: 1.0900",
        "Target: val_bpb of 1.0800",
        "This improves val_bpb by 0.0123",
        "PR #1234 reports val_bpb: 1.1111",
        "Pre-quant val_bpb: 1.1000",
        "val_loss:2.34613048 val_bpb",
        "The gap to the previous record is 0.0310 bpb",
        "If the temperature is lowered, val_bpb would be 1.0700",
    ],
)
def test_a_number_of_something_else_is_no_claim(line: str) -> None:
    assert headline_of(["# An entry", "", line], "README.md") is None


def test_a_pasted_log_is_no_claim() -> None:
    assert headline_of(["# An entry", "```", "diagnostic val_bpb: 1.0719", "```"], "README.md") is None


def test_a_number_far_down_in_the_text_is_no_claim() -> None:
    assert (
        headline_of(["# An entry", *["words"] * 90, "this one has a val_bpb of 1.6321 in all"], "README.md") is None
    )


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("val_bpb 1.1234 (3-seed mean)", 3),
        ("Mean of three seeds: 1.1234", 3),
        ("5-seed validation: mean 1.1724", 5),
        ("PR #1394 reported a 5-seed mean of 1.0856", None),
        ("Base reference: 1.1233 (3-seed mean)", None),
        ("Three-seed validation of the results is planned", None),
        ("Also ran 3 seeds on other machines, all results consistent", None),
        ("8xH100 3-seed validation would need more budget", None),
        ("a matrix of 9 configurations x 3 seeds over all results", None),
    ],
)
def test_seeds_of_the_result_and_of_plans_and_others(text: str, seeds: int | None) -> None:
    assert seeds_in_words(text) == seeds


def test_the_seeds_that_stand_beside_the_headline_count_first() -> None:
    text = "2-seed mean of the small model: 1.3000\nval_bpb 1.1234, mean of 3 seeds\n"
    assert seeds_in_words(text, Shown("1.1234")) == 3
