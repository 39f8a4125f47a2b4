"""What `golf compare` says of two records beside their scores: what they differ in."""

from __future__ import annotations

import json
from pathlib import Path

from reports.record.write import RecordFiles, write_record
from reports.terminal.comparison import difference_lines
from tests.fixtures.commands import forked_golf as golf
from tests.fixtures.results import SCRIPT, record
from tests.runner.compare.test_compare import another


def test_what_two_sides_differ_in_is_listed_and_many_are_counted() -> None:
    assert difference_lines(None) == []
    assert difference_lines([]) == ["A and B have the same job, script and data", ""]
    assert difference_lines(["a: 1 and 2"]) == ["what A and B differ in:", "  a: 1 and 2", ""]
    many = difference_lines([f"x{number}: 1 and 2" for number in range(21)])
    assert many[-2:] == ["  and 11 more", ""]
    assert len(many) == 13


def test_two_records_are_compared_with_what_they_differ_in(tmp_path: Path) -> None:
    job = {**record().job, "config": {"model": {"num_layers": 3}}}
    one = write_record(record(), RecordFiles(script=SCRIPT), tmp_path)
    other = write_record(another(job=job), RecordFiles(script=SCRIPT), tmp_path)
    shown = golf(tmp_path, "compare", str(one), str(other))
    assert "what A and B differ in:\n  model.num_layers: none and 3\n" in shown.stdout, shown.stderr
    facts = json.loads(golf(tmp_path, "compare", str(one), str(other), "--json").stdout)
    assert facts["differences"] == ["model.num_layers: none and 3"]
    assert "differences" not in json.loads(golf(tmp_path, "compare", str(one), "1.5,1.6", "--json").stdout)
