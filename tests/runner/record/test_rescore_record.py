"""Scores made again from a record's artifacts: found by hash, scored by its script, or said to be unknown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.record.folder import Record, open_record
from runner.record.rescore_record import artifact_checks, source_of
from runner.results.record import RecordData


def quiet(line: str) -> None:
    """Nobody reads it."""


def statuses(record: Record, artifacts: Path | None = None, data: DataRequest | None = None) -> dict[str, list[str]]:
    """Question -> answers, seed by seed."""
    folder = None if data is None else Path(str(data.folder))
    source = source_of(record, artifacts, folder, None)
    found: dict[str, list[str]] = {}
    for check in artifact_checks(record, source, quiet, why_not=""):
        found.setdefault(check.name, []).append(check.status)
    return found


@pytest.fixture
def moved(kept_record: Path, tmp_path: Path) -> Record:
    """The record without the run that made it."""
    return open_record(Path(shutil.copytree(kept_record, tmp_path / "records" / "local" / kept_record.name)))


def test_beside_its_run_every_artifact_is_found_and_scores_the_same(kept_record: Path) -> None:
    assert statuses(open_record(kept_record)) == {"artifact": ["pass"] * 2, "score": ["pass"] * 2}


def test_without_artifacts_nothing_is_known(moved: Record) -> None:
    assert statuses(moved) == {"artifact": ["unknown"] * 2, "score": ["unknown"] * 2}


def test_a_run_beside_it_by_another_script_is_not_executed(moved: Record) -> None:
    run = moved.folder.parents[2] / "runs" / moved.data.run
    run.mkdir(parents=True)
    (run / "train_gpt.py").write_text("raise SystemExit('executed')\n")
    assert source_of(moved, None, None, None) is None


def test_artifacts_and_data_that_somebody_points_to_are_taken(
    moved: Record, kept_record: Path, tiny_data: DataRequest
) -> None:
    seeds = kept_record.parents[2] / "runs" / moved.data.run / "seeds"
    assert statuses(moved, seeds, tiny_data) == {"artifact": ["pass"] * 2, "score": ["pass"] * 2}


def test_one_other_artifact_is_unknown_and_not_scored(moved: Record, kept_record: Path, tmp_path: Path) -> None:
    seeds = Path(shutil.copytree(kept_record.parents[2] / "runs" / moved.data.run / "seeds", tmp_path / "seeds"))
    (artifact,) = (seeds / "2").rglob("final_model.ptz")
    artifact.write_bytes(artifact.read_bytes()[:-1] + b"!")
    found = statuses(moved, seeds)
    assert found["artifact"] == ["pass", "unknown"]
    assert found["score"] == ["unknown"] * 2  # nothing says where the data are


def test_a_score_that_does_not_come_out_again_fails(kept_record: Path) -> None:
    record = open_record(kept_record)
    content = json.loads(record.data.model_dump_json())
    content["results"][0]["final_score"]["val_bpb"] += 1e-6
    data = RecordData.model_validate_json(json.dumps(content))
    changed = Record(record.folder, data, record.script, record.files)
    assert statuses(changed)["score"] == ["fail", "pass"]


def test_what_is_pointed_to_and_is_not_there_is_refused_and_not_left_unchecked(moved: Record, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(UserError, match=r"--artifacts .*missing: no such folder"):
        source_of(moved, missing, None, None)
    with pytest.raises(UserError, match=r"--data .*missing: no such folder"):
        source_of(moved, None, missing, None)
    with pytest.raises(UserError, match=r"--tokenizer .*missing: no such file"):
        source_of(moved, None, tmp_path, missing)
    with pytest.raises(UserError, match="--tokenizer: goes with --data"):
        source_of(moved, None, None, missing)
