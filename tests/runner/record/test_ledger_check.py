"""A record against the ledger in it: what was changed afterwards is found, whatever its own checksums say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.record.write import RecordFiles, write_record
from runner.errors import UserError
from runner.folder.ledger import Ledger
from runner.folder.ledger_check import MAX_LEDGER_BYTES, audit_ledger
from runner.job.open_data import DataRequest
from runner.record.ledger_check import audit_record
from tests.fixtures.commands import forked_golf as golf
from tests.runner.drive.test_run import plan_for, run_fake


@pytest.fixture
def record(tiny_data: DataRequest, tmp_path: Path) -> Path:
    """The record folder of a finished run of seeds 1 and 2."""
    done = run_fake(plan_for(tiny_data), tmp_path)
    files = RecordFiles(done.script.source, None, files={}, logs=done.logs, ledger=done.folder.ledger)
    return write_record(done.data, files, tmp_path)


def test_a_record_is_held_against_its_ledger(record: Path) -> None:
    done = golf(record.parent, "ledger", "verify", str(record))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "results of seed 1, 2 and script: as the ledger vouches" in done.stdout
    results, script = record / "results.json", record / "train_gpt.py"
    before, data = results.read_text(), json.loads(results.read_text())
    results.write_text(before.replace('"val_loss": 2.5', '"val_loss": 2.4'))
    assert [problem[:6] for problem in audit_record(record).problems] == ["seed 1", "seed 2"]
    results.write_text(json.dumps({**data, "results": data["results"][:1]}))
    assert audit_record(record).problems == ["seed 2 was launched and is not in the record"]
    results.write_text(json.dumps({**data, "results": []}))
    assert "the record has no result" in audit_record(record).problems
    results.write_text("{}")
    assert "is not a record's: name: Field required" in audit_record(record).problems[0]
    results.write_text(before)
    script.write_bytes(script.read_bytes() + b"#")
    assert "is not the script that the ledger registered" in audit_record(record).problems[0]
    script.unlink()
    script.symlink_to("/etc/hostname")
    done = golf(record.parent, "ledger", "verify", str(record))
    assert (done.returncode, "is not a file but a link" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": 7},
        {"kind": "registered"},
        {"kind": "registered", "seeds": ["1"]},
        {"kind": "launched", "seed": 1},
        {"kind": "finished", "seed": 1, "attempt": 1},
    ],
)
def test_a_sound_chain_of_strange_entries_is_a_problem_and_no_traceback(
    tmp_path: Path, entry: dict[str, object]
) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(**{"kind": "", **entry})  # type: ignore[arg-type]
    (problem,) = audit_ledger(ledger.path).problems
    assert "entry 1: is none that golf writes" in problem


def test_what_is_too_large_or_too_deep_is_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text("[" * 100_000 + "\n")
    assert "ledger.jsonl:1: the ledger's chain is broken here" in audit_ledger(path).problems[0]
    with path.open("wb") as file:
        file.truncate(MAX_LEDGER_BYTES + 1)
    with pytest.raises(UserError, match="are read; give a ledger"):
        audit_ledger(path)


def test_an_empty_ledger_verifies_nothing(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").touch()
    assert "is empty" in audit_ledger(tmp_path / "ledger.jsonl").problems[0]
