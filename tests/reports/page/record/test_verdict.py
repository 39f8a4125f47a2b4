"""The verdict's section: what it is and why, the score with its seeds, every check with its limit."""

from __future__ import annotations

from reports.page.record.verdict import about, headline, verdict_section
from reports.page.section import Cell, Table, Words
from tests.fixtures.pictured_record import pictured_record
from tests.fixtures.results import failed_result, failed_verification, record, run_result, verification
from tests.reports.record.test_readme import rejected_by_size


def test_a_passed_record_says_so_with_its_mean_and_every_check() -> None:
    section = verdict_section(pictured_record())
    assert section.parts[0] == Words("✓ PASSED: every check that the track requires is pass.", "good")
    assert headline(pictured_record()).startswith("1.7445 ± 0.0045 bits per byte (mean ± sample std of 3 seeds)")
    table = next(part for part in section.parts if isinstance(part, Table))
    assert table.heads == ("result", "check", "measured", "limit")
    assert [list(row)[1:] for row in table.rows if row[1] == "Script and artifact under the cap?"] == [
        ["Script and artifact under the cap?", "1,552,702 / 1,551,407 / 1,553,389 B", "16,000,000 B"]
    ]


def test_a_rejected_record_gives_its_reasons_before_the_checks() -> None:
    parts = verdict_section(rejected_by_size()).parts
    assert parts[0] == Words("✗ REJECTED: a check that the track requires fails.", "bad")
    assert isinstance(parts[3], Words)
    assert "16,000,000 B" in parts[3].text
    table = next(part for part in parts if isinstance(part, Table))
    assert any(isinstance(row[0], Cell) and row[0].kind == "bad" for row in table.rows)


def test_a_record_whose_seeds_have_not_all_run_is_incomplete() -> None:
    data = record([run_result(1337)], [verification(1337)], job={"name": "quickstart", "seeds": [1337, 42, 2024]})
    assert verdict_section(data).parts[0] == Words(
        "INCOMPLETE: seed 42, 2024 never ran; golf resume quickstart-0123abcd goes on.", "open"
    )


def test_without_a_score_there_is_no_number_and_unknown_hardware_is_called_so() -> None:
    data = record([failed_result(42)], [failed_verification(42)], seeds=(42,))
    assert headline(data) == "No score: none of 1 seed was scored."
    assert about(data) == "run quickstart-0123abcd · track local · 2026-01-02 · hardware unknown · by A. Person"
