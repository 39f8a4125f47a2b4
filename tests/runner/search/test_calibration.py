"""`golf calibrate`: which records are the same variant, and what is said of their ranks."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.compare.ranking import ranking
from runner.errors import UserError
from runner.results.comparisons import Arm
from runner.results.variants import VariantTable
from runner.search.calibration import lines, pairs_of, plain, side_of
from tests.fixtures.results import record


def arm(name: str, *scores: float, origin: str = "measured") -> Arm:
    return Arm(name=name, val_bpb=scores, origin=origin)


def test_variants_are_matched_by_name_in_the_order_of_the_cheap_ones() -> None:
    cheap = [arm("b-small", 1.3), arm("a-small", 1.4)]
    found = pairs_of(cheap, [arm("a", 1.2), arm("b", 1.1)])
    assert [(pair.name, pair.cheap, pair.expensive) for pair in found] == [
        ("b", (1.3,), (1.1,)),
        ("a", (1.4,), (1.2,)),
    ]


@pytest.mark.parametrize("cheap", ["rates-small-mid", "rates-steps-mid", "rates-mid-small", "rates-mid"])
def test_a_variant_is_the_same_one_under_a_profile(cheap: str) -> None:
    assert plain(cheap) == "rates-mid"


def test_a_folder_is_all_its_records_and_the_base_of_their_variants_comes_first(tmp_path: Path) -> None:
    table = VariantTable(job="rates-steps", base="mid", cap_bytes=16_000_000, rows=[])
    for variant in ("fast", "mid", "slow"):
        data = record().model_copy(update={"name": f"rates-steps-{variant}", "variant_table": table})
        (tmp_path / variant).mkdir()
        (tmp_path / variant / "results.json").write_text(data.model_dump_json())
    assert [arm.name for arm in side_of([str(tmp_path)])] == [
        "rates-steps-mid",
        "rates-steps-fast",
        "rates-steps-slow",
    ]
    named = side_of([str(tmp_path / variant) for variant in ("slow", "mid")])
    assert [arm.name for arm in named] == ["rates-steps-mid", "rates-steps-slow"]


@pytest.mark.parametrize(
    ("cheap", "expensive", "said"),
    [
        ([arm("a", 1.0), arm("b", 1.0)], [arm("a", 1.0), arm("c", 1.0)], "b: stands only before it"),
        ([arm("a", 1.0), arm("a-small", 1.0)], [arm("a", 1.0)], "a: stands twice before the --"),
        ([arm("1", 1.0, origin="as typed")], [arm("2", 1.0), arm("3", 1.0)], "typed scores go in pairs"),
    ],
)
def test_what_does_not_match_is_refused(cheap: list[Arm], expensive: list[Arm], said: str) -> None:
    with pytest.raises(UserError, match=said):
        pairs_of(cheap, expensive)


def test_typed_scores_go_in_order() -> None:
    pairs = pairs_of(side_of(["1.2", "1.1,1.12"]), side_of(["1.05,1.06", "1.01"]))
    assert [(pair.cheap, pair.expensive) for pair in pairs] == [((1.2,), (1.05, 1.06)), ((1.1, 1.12), (1.01,))]


def test_the_answer_names_each_figure_with_its_interval_or_why_there_is_none() -> None:
    few = list(lines(ranking(pairs_of(side_of(["1.2", "1.1"]), side_of(["1.05", "1.01"])))))
    assert few[3].startswith("Kendall's tau: 1.00 (interval unknown: needs 4 variants)")
    assert few[5] == "to keep the best: unknown: needs 4 variants"
    cheap = side_of(["1.40", "1.33", "1.29", "1.31", "1.22", "1.2"])
    told = list(lines(ranking(pairs_of(cheap, side_of(["1.2", "1.18", "1.15", "1.12", "1.1", "1.11"])))))
    assert told[1].split()[-1] == "base"
    assert ", 95 % " in told[7]
    assert told[9].startswith("to keep the best with 90 %: promote ")
    assert told[9].endswith("of 6 (here it is number 2)")
    assert told[10].startswith("one seed in some variant")
