"""`golf reproduce`: what must be the same, what need not be, and what cannot be told."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.record.folder import open_record
from runner.record.reproduce import compare, further_score, job_again, stored_script
from runner.results.phases import Artifact
from runner.results.record import RecordData
from runner.results.runs import RunResult
from tests.fixtures.results import failed_result, record, run_result, score, weights_sha256

STEPS = {"config": {"schedule": {"kind": "steps"}}}
CLOCK = {"config": {"schedule": {"kind": "wallclock"}}}
OTHER = Artifact(file="final_model.ptz", bytes=1_531_000, sha256="ab" * 32)


def again(*results: RunResult) -> RecordData:
    return record(list(results), [], seeds=tuple(result.seed for result in results))


def answers(before: RecordData, after: RecordData) -> dict[str, str]:
    return {check.name: check.status for check in compare(before, after)}


def on(device: str = "A CPU", **changes: Any) -> dict[str, Any]:
    host = run_result().host
    assert host is not None
    return {"host": host.model_copy(update={"device": device, **changes})}


@pytest.mark.parametrize("job", [STEPS, CLOCK, {}])
def test_the_same_artifact_is_the_same_whatever_was_expected(job: dict[str, Any]) -> None:
    assert answers(record(job=job), again(run_result(42))) == {"data": "pass", "artifact": "pass"}


def test_by_steps_on_the_same_cpu_another_artifact_is_a_failure() -> None:
    assert answers(record(job=STEPS), again(run_result(42, artifact=OTHER))) == {"data": "pass", "artifact": "fail"}


@pytest.mark.parametrize("where", [on(versions={"python": "3.11.4", "torch": "2.14.0"}), on(hardware="gpu")])
def test_by_steps_elsewhere_the_score_is_held_against_the_spread(where: dict[str, Any]) -> None:
    found = compare(record(job=STEPS), again(run_result(42, artifact=OTHER, **where)))
    assert [check.name for check in found] == ["data", "spread"]
    assert "another torch" in found[1].title or "GPUs" in found[1].title


def test_by_the_clock_a_score_within_the_spread_is_like_the_record() -> None:
    assert answers(record(job=CLOCK), again(run_result(42, artifact=OTHER)))["spread"] == "pass"


@pytest.mark.parametrize("loss", [3.2, 4.2])
def test_by_the_clock_a_score_far_off_is_not_in_either_direction(loss: float) -> None:
    assert (
        answers(record(job=CLOCK), again(run_result(42, artifact=OTHER, final_score=score(loss))))["spread"] == "fail"
    )


def test_on_another_device_or_against_a_single_seed_it_cannot_be_told() -> None:
    elsewhere = again(run_result(42, artifact=OTHER, **on("Another CPU")))
    assert answers(record(job=CLOCK), elsewhere)["spread"] == "unknown"
    assert answers(record(job=CLOCK, seeds=(42,)), again(run_result(42, artifact=OTHER)))["spread"] == "unknown"


def test_a_seed_that_crashed_is_a_failure_and_one_the_record_never_scored_is_unknown() -> None:
    assert answers(record(job=STEPS), again(failed_result(42)))["completed"] == "fail"
    unscored = record([failed_result(42)], [], seeds=(42,), job=STEPS)
    assert answers(unscored, again(run_result(42)))["score"] == "unknown"


def test_other_data_are_said() -> None:
    other = record().data.model_copy(update={"files": {"fineweb_val_000000.bin": weights_sha256(1)}})
    assert answers(record(job=STEPS), again(run_result(42)).model_copy(update={"data": other}))["data"] == "fail"


def test_the_interval_is_that_of_one_more_draw() -> None:
    scores = [1.0, 1.2, 1.1]
    interval = further_score(scores)
    assert interval is not None
    half = 4.302652729911275 * statistics.stdev(scores) * math.sqrt(4 / 3)  # t of two degrees of freedom
    assert interval == pytest.approx((1.1 - half, 1.1 + half))
    assert further_score([1.0]) is None


def test_the_script_is_the_folders_very_bytes_and_a_changed_folder_is_refused(
    kept_record: Path, tmp_path: Path
) -> None:
    opened = open_record(kept_record)
    script = stored_script(opened)
    assert script.source == (kept_record / "train_gpt.py").read_bytes()
    assert script.flat == (kept_record / "train_gpt_flat.py").read_text()
    changed = type(opened)(kept_record, opened.data, opened.script + b"#", opened.files)
    with pytest.raises(UserError, match="not what was recorded: The script that ran"):
        stored_script(changed)


def test_the_job_is_the_records_with_data_of_this_machine(kept_record: Path, tiny_data: DataRequest) -> None:
    opened = open_record(kept_record)
    job = job_again(opened, [2], None, Path(str(tiny_data.folder)), None)
    assert (job.name, job.seeds, job.config.schedule.iterations) == ("kept", (2,), 5)
    assert str(job.data.path) == tiny_data.folder
    assert job.data.tokenizer == kept_record / "tokenizer.model"


def test_a_seed_that_is_none_of_the_records_and_missing_data_are_one_message(
    kept_record: Path, tiny_data: DataRequest
) -> None:
    opened, folder = open_record(kept_record), Path(str(tiny_data.folder))
    with pytest.raises(UserError, match="--seed 7: the record has 1, 2"):
        job_again(opened, [7], None, folder, None)
    with pytest.raises(UserError, match="--data FOLDER: needed"):
        job_again(opened, None, None, None, None)
