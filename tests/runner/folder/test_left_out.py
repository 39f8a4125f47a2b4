"""Attempts that no ledger knows, results that gave way to others, the same run under another name: all are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.folder.ledger import Ledger
from runner.folder.left_out import left_out, replaced, unledgered
from runner.folder.paths import RunFolder
from runner.judge.judge import judge
from runner.results.runs import LeftOut
from tests.fixtures.results import SCRIPT_SHA256, run_result, verification

SCRIPT = "ab" * 32


def started(run: RunFolder, seed: int, *, status: str = "completed") -> int:
    """An attempt with a log, which the run's ledger knows from beginning to end."""
    ledger, folder = Ledger(run.ledger), run.new_attempt(seed)
    folder.log("train").write_text("step\n")
    for kind, more in (("queued", {}), ("launched", {"node": "local"}), ("finished", {"status": status})):
        ledger.append(kind, seed=seed, attempt=folder.number, **more)
    return folder.number


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run of two seeds, both complete."""
    found = RunFolder(tmp_path / "runs" / "first-0123abcd")
    Ledger(found.ledger).append("registered", seeds=[1, 2], script_sha256=SCRIPT, job="first")
    started(found, 1)
    started(found, 2)
    return found


def looked(run: RunFolder, *attempts: tuple[int, int]) -> LeftOut:
    """What is found where these (seed, attempt) count."""
    results = [run_result(seed, attempt=attempt) for seed, attempt in attempts]
    return left_out(run, Ledger(run.ledger).entries, results, SCRIPT)


def test_of_an_honest_run_nothing_was_left_out(run: RunFolder) -> None:
    assert looked(run, (1, 1), (2, 1)) == LeftOut(unledgered=[], replaced=[], elsewhere=[], same_script=[])


def test_attempts_on_disk_that_an_emptied_ledger_does_not_know_are_named(run: RunFolder) -> None:
    run.ledger.write_text("")
    Ledger(run.ledger).append("registered", seeds=[1, 2], script_sha256=SCRIPT, job="first")
    started(run, 1)
    assert unledgered(run, Ledger(run.ledger).entries) == ["seed 1 attempt 1", "seed 2 attempt 1"]


def test_a_folder_in_which_nothing_was_begun_is_no_attempt(run: RunFolder) -> None:
    run.new_attempt(3)
    assert unledgered(run, Ledger(run.ledger).entries) == []


def test_a_completed_result_that_was_deleted_and_rolled_again_is_named(run: RunFolder) -> None:
    shutil.rmtree(run.attempt(1, 1).path)
    run.attempt(1, 1).path.mkdir()
    again = started(run, 1)
    assert looked(run, (1, again), (2, 1)).replaced == ["seed 1 attempt 1"]
    assert replaced(Ledger(run.ledger).entries, []) == ["seed 1 attempt 1", "seed 2 attempt 1", "seed 1 attempt 2"]


def test_an_attempt_that_failed_and_was_tried_again_gave_way_to_nothing(run: RunFolder) -> None:
    started(run, 3, status="lost")
    assert looked(run, (1, 1), (2, 1), (3, started(run, 3))).replaced == []


def test_the_same_run_under_another_name_is_told_apart_from_other_runs_of_its_script(run: RunFolder) -> None:
    for name, seeds, script in (
        ("second-0123abcd", [2, 3], SCRIPT),
        ("third-0123abcd", [4], SCRIPT),
        ("fourth-89abcdef", [1], SCRIPT),
        ("fifth-0123abcd", [1], "cd" * 32),
        ("first-89abcdef", [1], SCRIPT),
    ):
        place = run.path.parent / name / "ledger.jsonl"
        Ledger(place).append("registered", seeds=seeds, script_sha256=script, job=name)
    (run.path.parent / "broken-0123abcd").mkdir()
    (run.path.parent / "broken-0123abcd" / "ledger.jsonl").write_text("[" * 100_000)
    found = looked(run, (1, 1), (2, 1))
    assert found.elsewhere == ["second-0123abcd"]
    assert found.same_script == ["fourth-89abcdef", "third-0123abcd"]


NOTHING = LeftOut(unledgered=[], replaced=[], elsewhere=[], same_script=[])


@pytest.mark.parametrize(
    ("found", "status", "measured"),
    [
        (NOTHING, "passed", "none"),
        (NOTHING.model_copy(update={"same_script": ["b-1"]}), "passed", "none"),
        (
            NOTHING.model_copy(update={"unledgered": ["seed 1 attempt 1"]}),
            "rejected",
            "seed 1 attempt 1 on disk and not in the ledger",
        ),
        (
            NOTHING.model_copy(update={"replaced": ["seed 1 attempt 1"]}),
            "unverified",
            "seed 1 attempt 1 completed, and does not count",
        ),
        (NOTHING.model_copy(update={"elsewhere": ["b-1"]}), "unverified", "the same run as b-1"),
    ],
)
def test_a_verdict_passes_only_where_nothing_was_left_out(found: LeftOut, status: str, measured: str) -> None:
    verdict = judge(
        required=frozenset({"one_script"}),
        cap_bytes=16_000_000,
        train_seconds=60.0,
        eval_seconds=60.0,
        seeds=(1337,),
        script_sha256=SCRIPT_SHA256,
        nproc=1,
        allowed_hardware=(),
        results=[run_result()],
        verifications=[verification()],
        left_out=found,
    )
    (check,) = [one for one in verdict.checks if one.name == "none_left_out"]
    assert (verdict.status, check.measured, check.required) == (status, measured, True)
