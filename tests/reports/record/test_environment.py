"""environment.json and requirements.txt: the nodes as they were found, and lines that pip reads as meant."""

from __future__ import annotations

import json

from reports.record.environment import environment_json, requirements_txt
from tests.fixtures.full_record import told_record
from tests.fixtures.results import failed_result, record, run_result


def test_every_seed_has_its_host_or_null() -> None:
    content = json.loads(environment_json(record([run_result(1337), failed_result(42)], seeds=(1337, 42))))
    assert content["seeds"]["1337"]["host"]["versions"]["torch"] == "2.13.0"
    assert content["seeds"]["42"]["host"] is None
    assert content["referee"] == {"python": "3.11.4", "pandas": "3.1.1"}
    assert content["data_files"]["tokenizer.model"] == "ef" * 32


def test_packages_stand_in_the_version_that_ran() -> None:
    lines = requirements_txt(told_record()).splitlines()
    assert lines[1:] == [
        "torch==2.13.0  # ran as 2.13.0+cpu",
        "numpy==2.4.6",
        "flash-attn  # in which version is not known",
    ]


def test_no_requirement_is_said() -> None:
    assert requirements_txt(record()).splitlines()[-1] == "# None, or nobody noted any."


def test_what_is_no_package_is_a_comment_and_nothing_more() -> None:
    evil = {"x\n--index-url http://evil": "1", "-r": "1", "y": "1\nz", "git+http://evil": None}
    lines = requirements_txt(told_record(requirements=evil)).splitlines()
    assert len(lines) == 5
    assert all(line.startswith("#") for line in lines)
