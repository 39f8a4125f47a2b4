"""A training that is kept counts for its own attempt, seed and script, and while its artifact is as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.files import sha256_bytes
from runner.folder.paths import AttemptFolder, RunFolder
from runner.folder.trainings import read_trained, train_log, whole_training
from runner.results.phases import Artifact
from runner.results.runs import Trained, Training
from tests.fixtures.results import phase, run_result

WEIGHTS = b"weights"


def trained_in(folder: AttemptFolder, by: int) -> Trained:
    """Note a training of seed 7 in an attempt, with its artifact."""
    result = run_result(7)
    artifact = Artifact(file="final_model.ptz", bytes=len(WEIGHTS), sha256=sha256_bytes(WEIGHTS))
    note = Trained(
        seed=7,
        script_sha256="ab",
        artifact=artifact,
        train=phase("train", 1.0),
        log=result.log,
        score=None,
        by_rule={},
        by=Training(
            attempt=by, host=result.host, preflight=None, idle_seconds=None, started_at="2026-11-29T00:00:00+00:00"
        ),
    )
    folder.trained.write_text(note.model_dump_json())
    folder.artifact(artifact.file).write_bytes(WEIGHTS)
    return note


def test_a_training_is_whole_where_attempt_seed_script_and_artifact_are_its_own(tmp_path: Path) -> None:
    attempt = RunFolder(tmp_path).new_attempt(7)
    assert whole_training(attempt, 7, "ab") is None
    note = trained_in(attempt, by=1)
    assert whole_training(attempt, 7, "ab") == note
    assert whole_training(attempt, 8, "ab") is None
    assert whole_training(attempt, 7, "cd") is None
    attempt.artifact("final_model.ptz").write_bytes(b"others!")
    assert whole_training(attempt, 7, "ab") is None
    attempt.artifact("final_model.ptz").unlink()
    assert whole_training(attempt, 7, "ab") is None


def test_a_training_that_another_attempt_did_is_not_whole_in_this_one(tmp_path: Path) -> None:
    attempt = RunFolder(tmp_path).new_attempt(7)
    trained_in(attempt, by=2)
    assert whole_training(attempt, 7, "ab") is None


def test_the_log_is_its_own_where_there_is_one_and_else_of_the_attempt_that_trained(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    first, second = run.new_attempt(7), run.new_attempt(7)
    assert train_log(run, 7, second) == second.log("train")
    trained_in(second, by=1)
    assert train_log(run, 7, second) == first.log("train")
    second.log("train").write_text("step:1")
    assert train_log(run, 7, second) == second.log("train")


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_a_note_that_is_none_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "trained.json").write_text(text)
    assert read_trained(tmp_path / "trained.json") is None
