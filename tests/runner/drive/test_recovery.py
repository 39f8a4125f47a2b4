"""What a killed driver left half done is brought in order by the next one, and nothing finished is run again."""

from __future__ import annotations

import shutil
from pathlib import Path

from runner.drive.run import run_plan
from runner.folder.ledger import Ledger, check_chain
from runner.folder.ledger_check import audit_run
from runner.folder.paths import RunFolder
from runner.job.open_data import DataRequest
from tests.runner.drive.test_retry import run
from tests.runner.drive.test_run import Screen, never, plan_for, script_of


def cut_last(folder: RunFolder) -> None:
    """The ledger as it was before its last attempt's end was told, and before the record was published."""
    lines = folder.ledger.read_bytes().splitlines(keepends=True)
    assert [b'"kind":"finished"' in lines[-2], b'"kind":"published"' in lines[-1]] == [True, True]
    folder.ledger.write_bytes(b"".join(lines[:-2]))


def test_a_result_whose_driver_died_before_it_told_the_ledger_is_not_run_again(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done, _ = run(tiny_data, tmp_path, lambda spec: None, seeds=(1,))
    cut_last(done.folder)
    again = run_plan(plan_for(tiny_data, (1,)), script_of(b"#"), tmp_path, Screen().console, never)
    assert again.data.results == done.data.results
    *_, last, published = check_chain(done.folder.ledger)
    assert published["kind"] == "published"
    assert (last["kind"], last["status"], last["late"]) == ("finished", "completed", True)
    assert audit_run(done.folder).problems == []


def test_a_result_that_was_never_launched_or_is_another_scripts_is_not_adopted(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done, _ = run(tiny_data, tmp_path, lambda spec: None, seeds=(1,))
    cut_last(done.folder)
    result = done.folder.attempt(1, 1).result
    text = result.read_text()
    forged = done.folder.new_attempt(1)
    forged.result.write_text(text.replace('"attempt": 1', '"attempt": 2'))
    result.write_text(text.replace(done.script.sha256, "0" * 64))
    again, backend = run(tiny_data, tmp_path, lambda spec: None, seeds=(1,))
    assert backend.started == [(1, 3)]
    assert again.data.results[0].attempt == 3


def test_a_seed_that_only_waited_when_its_driver_was_killed_is_on_its_first_try(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done, _ = run(tiny_data, tmp_path, lambda spec: None, seeds=(1, 2))
    lines = done.folder.ledger.read_bytes().splitlines(keepends=True)
    queued = max(number for number, line in enumerate(lines) if b'"kind":"queued"' in line)
    done.folder.ledger.write_bytes(b"".join(lines[: queued + 1]))
    shutil.rmtree(done.folder.attempt(1, 1).path)
    done.folder.attempt(1, 1).path.mkdir()
    again, backend = run(tiny_data, tmp_path, lambda spec: None, seeds=(1, 2))
    assert backend.started == [(1, 1), (2, 2)]  # of the second one files were left: it was under way
    taken_back = [entry for entry in check_chain(done.folder.ledger) if entry["kind"] == "withdrawn"]
    assert [(entry["seed"], entry["attempt"]) for entry in taken_back] == [(1, 1)]
    assert [(result.seed, result.attempt, result.status) for result in again.data.results] == [
        (1, 1, "completed"),
        (2, 2, "completed"),
    ]
    assert audit_run(done.folder).problems == []


def test_files_that_were_being_written_aside_are_removed(tiny_data: DataRequest, tmp_path: Path) -> None:
    done, _ = run(tiny_data, tmp_path, lambda spec: None, seeds=(1,))
    left = [done.folder.path / ".job.json.x1.tmp", done.folder.attempt(1, 1).path / ".result.json.y2.tmp"]
    for path in left:
        path.write_bytes(b"{")
    run_plan(plan_for(tiny_data, (1,)), script_of(b"#"), tmp_path, Screen().console, never)
    assert not any(path.exists() for path in left)
    assert len(Ledger(done.folder.ledger).entries) == len(check_chain(done.folder.ledger))
