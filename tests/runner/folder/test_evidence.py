"""A result carries the hashes of its logs and events, and a changed one is told by the run's ledger check."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.files import sha256_bytes, sha256_file
from runner.folder.evidence import evidence_of, log_paths
from runner.folder.ledger import Ledger
from runner.folder.ledger_check import audit_run
from runner.folder.paths import RunFolder
from runner.results.runs import EvidenceFile
from tests.fixtures.results import run_result


def test_logs_come_in_the_order_in_which_a_record_joins_them(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for number in (1, 2, 3):
        attempt = run.new_attempt(7)
        for name in ("eval.log", "train.log", "events.jsonl"):
            (attempt.path / name).write_text(f"{name} of {number}\n")
    last = run.attempt(7, 3)
    (last.path / "eval.log").unlink()
    told = evidence_of(last, earlier=[1, 2])
    names = ["attempt-1/train.log", "attempt-2/train.log", "attempt-3/train.log", "attempt-3/events.jsonl"]
    assert [one.name for one in told] == names
    assert (told[0].bytes, told[0].sha256) == (15, sha256_bytes(b"train.log of 1\n"))
    scored = run.attempt(7, 2)
    assert [path.parent.name for path in log_paths(scored, trained_by=1)] == ["attempt-1", "attempt-2"]
    assert [one.name for one in evidence_of(scored, trained_by=1)] == [
        *("attempt-1/train.log", "attempt-2/eval.log", "attempt-1/events.jsonl", "attempt-2/events.jsonl"),
    ]


def test_a_log_that_was_changed_after_its_result_is_told(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    ledger, attempt = Ledger(run.ledger), run.new_attempt(7)
    attempt.log("train").write_text("step:1\n")
    attempt.log("eval").write_text("score\n")
    result = run_result(7, evidence=evidence_of(attempt))
    attempt.result.write_text(result.model_dump_json(indent=2) + "\n")
    ledger.append("registered", seeds=[7], script_sha256="ab", job="a")
    for kind in ("queued", "launched"):
        ledger.append(kind, seed=7, attempt=1)
    ledger.append("finished", seed=7, attempt=1, status="completed", result_sha256=sha256_file(attempt.result))
    assert audit_run(run).problems == []
    attempt.log("train").write_text("step:2\n")
    attempt.log("eval").unlink()
    assert audit_run(run).problems == [
        f"{attempt.log('train')}: was changed after the result was written",
        f"{attempt.log('eval')}: is gone; the result vouches for it",
    ]


def vouched_run(folder: Path, names: tuple[str, ...]) -> RunFolder:
    """A run whose ledger vouches for a result, which notes files of these names and five bytes."""
    run = RunFolder(folder)
    ledger, attempt = Ledger(run.ledger), run.new_attempt(7)
    noted = [EvidenceFile(name=name, bytes=5, sha256=sha256_bytes(b"step\n")) for name in names]
    attempt.result.write_text(run_result(7, evidence=noted).model_dump_json(indent=2) + "\n")
    ledger.append("registered", seeds=[7], script_sha256="ab", job="a")
    for kind in ("queued", "launched"):
        ledger.append(kind, seed=7, attempt=1)
    ledger.append("finished", seed=7, attempt=1, status="completed", result_sha256=sha256_file(attempt.result))
    return run


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_what_stands_in_the_place_of_a_log_or_a_result_and_is_no_file_is_told_at_once(
    tmp_path: Path, put: Callable[[Path], object]
) -> None:
    run = vouched_run(tmp_path, ("attempt-1/train.log",))
    attempt = run.attempt(7, 1)
    put(attempt.log("train"))
    assert audit_run(run).problems == [f"{attempt.log('train')}: is gone; the result vouches for it"]
    attempt.result.unlink()
    put(attempt.result)
    assert audit_run(run).problems == [f"{attempt.result}: is gone; the ledger vouches for it"]


def test_a_log_that_grew_without_end_is_not_read_to_it(tmp_path: Path) -> None:
    run = vouched_run(tmp_path, ("attempt-1/train.log",))
    log = run.attempt(7, 1).log("train")
    with log.open("wb") as file:
        file.truncate(1 << 40)
    assert audit_run(run).problems == [f"{log}: was changed after the result was written"]


def test_a_name_that_leads_out_of_the_attempts_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("step\n")
    names = ("../../outside", "/etc/passwd", "attempt-1/../attempt-1/train.log", "attempt-1/secret")
    run = vouched_run(tmp_path / "run", names)
    folder = run.attempt(7, 1).path.parent
    assert audit_run(run).problems == [
        f"{folder / name}: is no file of the seed's attempts; the result vouches for it" for name in names
    ]


def test_a_result_that_an_older_golf_did_not_vouch_for_is_no_problem(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    ledger = Ledger(run.ledger)
    ledger.append("registered", seeds=[7], script_sha256="ab", job="a")
    for kind in ("queued", "launched"):
        ledger.append(kind, seed=7, attempt=1)
    ledger.append("finished", seed=7, attempt=1, status="completed")
    assert audit_run(run).problems == []
