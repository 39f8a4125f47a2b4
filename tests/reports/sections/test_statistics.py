"""A comparison in words: in a record's README, at the end of a run, on the terminal; nothing beyond its data."""

from __future__ import annotations

import json
import math
import re

import pytest

from reports.comparison_words import outcome, power_lines, probability
from reports.record.pages import results_json
from reports.record.readme import render_readme
from runner.compare.compare import compare
from runner.record.comparison_sources import arm_of_record
from runner.results.comparisons import Arm, Comparison
from runner.results.frozen import PolicyName
from runner.results.record import RecordData
from tests.fixtures.results import record
from tests.reports.record.test_readme import HOSTILE, PARSER, inline_kinds, numbers_in, skeleton
from tests.reports.terminal.test_summary import printed
from tests.runner.compare.test_compare import another, arm


def claimed(policy: PolicyName = "readme", baseline: RecordData | None = None) -> RecordData:
    """The better record with its comparison against the sample record."""
    known = arm_of_record(record() if baseline is None else baseline)
    data = another()
    return data.model_copy(update={"comparison": compare(known, arm_of_record(data), policy, 0.05)})


def section(data: RecordData) -> str:
    return render_readme(data).split("## Statistics\n")[1].split("\n## ")[0]


def test_a_record_without_a_claim_says_nothing_of_statistics() -> None:
    assert "## Statistics" not in render_readme(record())
    assert "claim" not in printed(record())


def test_outcome_both_arms_and_the_gain_in_both_units_stand_in_the_readme() -> None:
    text = section(claimed())
    asked = "the policy readme (a gain of at least 0.005 nats/token at p &lt; 0.01)"
    assert text.startswith(f"\n**The claim holds by {asked}: p = 0.00042.**")
    assert "| quickstart (passed, measured) | bpb | 3 | 1.744486 | 0.004502 |" in text
    assert "| other (passed, measured) | bpb | 3 | 1.702436 | 0.002358 |" in text
    assert (
        "Gain over quickstart: +0.042050 bpb = +0.08917 nats/token, 95 % interval +0.06944 to +0.10889 nats/token."
        in text
    )
    assert "decides no verdict" in text


def test_the_reasons_of_an_undecided_claim_are_a_list_and_no_bold_word_says_that_it_holds() -> None:
    rejected = record(verdict=record().verdict.model_copy(update={"status": "rejected"}))
    text = section(claimed(baseline=rejected))
    assert text.startswith("\nCannot be decided by the policy readme")
    assert "\n\n- quickstart is rejected, so its scores do not count\n\n" in text
    assert "**" not in text


@pytest.mark.parametrize("policy", ["readme", "progression", "target"])
def test_every_numeral_of_the_section_is_in_results_json(policy: PolicyName) -> None:
    data = claimed(policy)
    known = [abs(number) for number in numbers_in(json.loads(results_json(data))) if math.isfinite(number)]
    numerals = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", section(data))
    assert len(numerals) > 40
    for numeral in numerals:
        digits = len(numeral.partition(".")[2])
        assert any(abs(float(numeral.replace(",", "")) - number) <= 0.5000001 * 10**-digits for number in known), (
            numeral
        )


def test_it_is_rebuilt_byte_for_byte_from_the_stored_data() -> None:
    data = claimed()
    stored = RecordData.model_validate_json(results_json(data))
    assert stored == data
    assert render_readme(stored) == render_readme(data)


def test_the_end_of_a_run_says_the_outcome_and_the_gain() -> None:
    text = " ".join(printed(claimed()).split())
    assert "The claim holds by the policy readme" in text
    assert "Gain over quickstart: +0.042050 bpb" in text


def test_hostile_names_change_nothing_of_the_pages_structure() -> None:
    def page(name: str) -> str:
        one = Arm(**{**arm_of_record(record()).model_dump(), "name": name, "problem": name, "origin": name})
        data = another()
        return render_readme(data.model_copy(update={"comparison": compare(one, arm_of_record(data))}))

    assert skeleton(page(HOSTILE)) == skeleton(page("tame"))
    assert not inline_kinds(page(HOSTILE)) & {"html_inline", "link_open", "image"}
    assert any(
        "<script>" in (child.content or "") for token in PARSER.parse(page(HOSTILE)) for child in token.children or []
    )


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.0203, "0.0203"),
        (0.5, "0.5000"),
        (0.00093, "0.00093"),
        (2.34e-9, "0.0000000023"),
        (0.0, "below 0.000000000001"),
        (None, "–"),
    ],
)
def test_a_small_p_keeps_two_digits_and_is_never_zero(p: float | None, said: str) -> None:
    assert probability(p) == said


POWER: dict[str, tuple[Comparison, str]] = {
    "no gain": (
        compare(arm(1.0, 1.01), arm(1.1, 1.11), "progression"),
        "no number of seeds would do: that is no gain",
    ),
    "under the margin": (
        compare(arm(1.0, 1.01), arm(0.9991, 1.009)),
        "no number of seeds would do: more than 0.005 nats/token is asked for",
    ),
    "too many": (compare(arm(1.0, 1.2), arm(0.99, 1.19)), "up to 200 seeds do not reach 0.8"),
    "more seeds": (
        compare(arm(1.1, name="x"), arm(1.07, 1.09, 1.1), "target"),
        "0.8 takes 16 seeds of one (13 more)",
    ),
}


@pytest.mark.parametrize("name", POWER)
def test_what_it_would_take_is_said_in_words(name: str) -> None:
    found, said = POWER[name]
    assert said in power_lines(found)[0]


def test_a_claim_that_is_not_shown_is_not_called_false() -> None:
    found = compare(arm(1.0, 1.01), arm(1.0001, 1.0099), "progression")
    assert outcome(found).startswith(
        "The claim is not shown by the policy progression (any gain at p < 0.25): p = 0."
    )
