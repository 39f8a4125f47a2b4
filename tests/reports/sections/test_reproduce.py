"""How to reproduce: what the job set in the environment of its script stands on the page, harmless and bounded."""

from __future__ import annotations

from typing import Any

from reports.sections.reproduce import environment_table, variables_told
from tests.fixtures.full_record import told_record


def told(**job: Any) -> list[tuple[str, str]]:
    data = told_record()
    return [(title, str(text)) for title, text in variables_told(data.model_copy(update={"job": job}))]


def test_what_a_job_sets_stands_there_with_its_values_and_phase_by_phase() -> None:
    assert told(env={"NUM_LAYERS": "9", "WORD": "`|<b>"}, outputs={"eval_env": {"EVAL_ONLY": "1"}}) == [
        ("variables that the job sets", "`NUM_LAYERS=9`, ``WORD=`|<b>``"),
        ("variables of its evaluation", "`EVAL_ONLY=1`"),
    ]
    assert told(env={}, outputs=None) == []


def test_many_and_long_ones_are_cut_and_said_to_be() -> None:
    ((_, text),) = told(env={f"N{number}": "w" * 200 for number in range(41)})
    assert text.count("`N") == 40
    assert text.endswith(", the others in results.json")
    assert f"`N0={'w' * 114}...`" in text


def test_the_table_has_them_among_versions_and_hashes() -> None:
    data = told_record()
    data = data.model_copy(update={"job": {**data.job, "env": {"NCCL_DEBUG": "WARN"}}})
    assert "| variables that the job sets | `NCCL_DEBUG=WARN` |" in environment_table(data, [])
