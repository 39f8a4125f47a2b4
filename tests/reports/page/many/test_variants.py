"""Variants and sweeps: differences with their intervals, scores that do not count told apart from those that do."""

from __future__ import annotations

from typing import Any

from reports.page.many.variants import (
    differences,
    sweep_line,
    sweeps_section,
    tables_of,
    trials_picture,
    variants_section,
)
from reports.page.section import Picture, Table
from runner.search.sweeps.facts import Budget, SweepFacts, TrialFacts
from tests.fixtures.full_record import TABLE, told_record
from tests.fixtures.results import record


def sweep(*trials: TrialFacts, **changes: Any) -> SweepFacts:
    base: dict[str, Any] = {
        "name": "rates",
        "folder": "sweeps/rates-0123abcd",
        "sampler": "tpe",
        "pruner": "none",
        "seeds": [1],
        "space": [],
        "trials": list(trials),
        "budget": Budget(),
        "spent": Budget(),
        "lives": False,
    }
    return SweepFacts(**{**base, **changes})


def test_a_table_that_several_records_hold_is_shown_once() -> None:
    assert tables_of([told_record(), record(), told_record()]) == [TABLE]
    assert variants_section([]) is None
    section = variants_section([TABLE])
    assert section is not None
    assert sum(isinstance(part, Picture) for part in section.parts) == 1


def test_only_a_variant_with_an_interval_is_a_point() -> None:
    made = differences(TABLE)
    assert made is not None
    (trace,) = made.figure["data"]
    assert trace["x"] == [-0.01]
    assert trace["error_x"]["array"] == [-0.0097 + 0.01]
    assert made.figure["layout"]["yaxis"]["ticktext"] == ["three"]
    assert len(made.table.rows) == 3
    bare = TABLE.model_copy(update={"rows": TABLE.rows[:1]})
    assert differences(bare) is None
    section = variants_section([bare])
    assert section is not None
    assert isinstance(section.parts[-1], Table)


def test_trials_that_do_not_count_look_otherwise_and_are_in_the_table() -> None:
    facts = sweep(
        TrialFacts(number=0, state="scored", params={"config.lr": 0.02}, bpb=1.7, total_bytes=1_000),
        TrialFacts(number=1, state="infeasible", params={}, bpb=1.5, total_bytes=99),
        TrialFacts(number=2, state="failed", params={}, reason="exit code 1"),
    )
    made = trials_picture(facts)
    assert made is not None
    assert [(trace["name"], trace["y"]) for trace in made.figure["data"]] == [
        ("scored", [1.7]),
        ("infeasible", [1.5]),
    ]
    assert len({trace["marker"]["symbol"] for trace in made.figure["data"]}) == 2
    assert [row[-1] for row in made.table.rows] == ["", "", "exit code 1"]
    assert sweep_line(facts) == "rates: 3 trials, ended; best trial 0 with 1.7000 bpb."
    assert "not known whether it runs" in sweep_line(sweep(lives=None))


def test_a_sweep_without_a_score_has_its_table_alone() -> None:
    section = sweeps_section([sweep(TrialFacts(number=0, state="failed", params={}))])
    assert section is not None
    assert not any(isinstance(part, Picture) for part in section.parts)
    assert sweeps_section([]) is None
