"""Trainings that ended well and whose artifact lies in a run folder: read, checked, and found by their logs.

An attempt that only scores keeps a copy of who trained (`trained.json`), so that its log is found with the other's.
Whether an artifact may be scored again is its driver's decision.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from runner.errors import UserError
from runner.files import sha256_file
from runner.folder.paths import AttemptFolder, RunFolder
from runner.results.runs import Trained
from runner.untrusted import read_bytes

MOST_NOTE_BYTES = 16 << 20


def read_trained(path: Path) -> Trained | None:
    """What is kept of a training; None where there is nothing, or nothing that this version of golf can read."""
    try:
        return Trained.model_validate_json(read_bytes(path, MOST_NOTE_BYTES))
    except (UserError, ValidationError):
        return None


def whole_training(folder: AttemptFolder, seed: int, script_sha256: str) -> Trained | None:
    """The training that ended in this very attempt, of this seed and script, if its artifact is as it was sent."""
    trained = read_trained(folder.trained)
    if trained is None or (trained.seed, trained.by.attempt, trained.script_sha256) != (
        seed,
        folder.number,
        script_sha256,
    ):
        return None
    artifact = folder.artifact(trained.artifact.file)
    return trained if artifact.is_file() and sha256_file(artifact) == trained.artifact.sha256 else None


def train_log(run: RunFolder, seed: int, attempt: AttemptFolder) -> Path:
    """The log of the training that an attempt scores: its own, or that of the attempt that trained."""
    trained = None if attempt.log("train").is_file() else read_trained(attempt.trained)
    return (attempt if trained is None else run.attempt(seed, trained.by.attempt)).log("train")
