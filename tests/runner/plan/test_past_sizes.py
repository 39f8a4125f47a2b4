"""What earlier runs of a configuration say of the next one's size."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from runner.job.load import load_job
from runner.job.spec import resolved
from runner.plan.past_sizes import (
    forecast_from_past,
    past_artifact_bytes,
    past_savings,
    prediction,
    saving_rows,
)
from tests.fixtures.model_jobs import job
from tests.fixtures.places import JOBS


def result(size: int, seed: int = 1, status: str = "completed") -> dict[str, Any]:
    return {"seed": seed, "status": status, "artifact": {"file": "a", "bytes": size, "sha256": "0"}}


def put_run(output: Path, name: str, config: Any, sizes: dict[int, list[dict[str, Any]]]) -> None:
    folder = output / "runs" / name
    for seed, results in sizes.items():
        for number, content in enumerate(results, 1):
            attempt = folder / "seeds" / str(seed) / f"attempt-{number}"
            attempt.mkdir(parents=True)
            (attempt / "result.json").write_text(json.dumps(content))
    (folder / "job.json").write_text(json.dumps({"config": config}))


CONFIG = resolved(job())["config"]


def test_finished_seeds_of_the_same_configuration_count_once(tmp_path: Path) -> None:
    put_run(tmp_path, "one-1", CONFIG, {1: [result(9, status="failed"), result(100)], 2: [result(110)]})
    put_run(tmp_path, "two-2", {**CONFIG, "log": {}}, {1: [result(500)]})
    put_run(tmp_path, "three-3", CONFIG, {1: [result(120)]})
    record = tmp_path / "rejected" / "local" / "2026-11-24_one"
    record.mkdir(parents=True)
    content = {"run": "one-1", "job": {"config": CONFIG}, "results": [result(100), result(130, seed=7)]}
    (record / "results.json").write_text(json.dumps(content))
    assert sorted(past_artifact_bytes(tmp_path, CONFIG)) == [100, 110, 120, 130]


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"config": 3}', '{"results": 3}', "[" * 100_000])
def test_damaged_neighbours_are_passed_over(tmp_path: Path, text: str) -> None:
    put_run(tmp_path, "one-1", CONFIG, {1: [result(100)]})
    for place in ("runs/bad-1/job.json", "runs/one-1/seeds/2/attempt-1/result.json", "records/local/x/results.json"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    assert past_artifact_bytes(tmp_path, CONFIG) == [100]


def test_nothing_is_said_from_fewer_than_two() -> None:
    assert prediction([], 10) is None
    assert prediction([100], 10) is None


def test_the_interval_holds_the_next_size_as_often_as_it_says() -> None:
    source = random.Random(4)
    held = 0
    for _ in range(2000):
        *past, following = (round(source.gauss(1_000_000, 9_000)) for _ in range(5))
        found = prediction(past, 50_000)
        assert found is not None
        held += found.low <= following + 50_000 <= found.high
    assert 0.93 <= held / 2000 <= 0.97


def test_equal_sizes_still_give_an_interval_and_a_solved_step_stays_under_its_cap() -> None:
    found = prediction([1_000_000] * 3, 0)
    assert found is not None
    assert found.low < 1_000_000 < found.high
    capped = prediction([1_000_000, 1_000_100, 999_900], 0, cap_bytes=1_000_100)
    assert capped is not None
    assert capped.high == 1_000_100


def test_a_jobs_own_configuration_is_looked_for(tmp_path: Path) -> None:
    put_run(tmp_path, "one-1", resolved(job())["config"], {1: [result(4_000_000)], 2: [result(4_010_000)]})
    found = forecast_from_past(tmp_path, job(), 40_000)
    assert found is not None
    assert found.low < 4_045_000 < found.high


SAID = "step:9\nshaped_steps predicted_bits_saved total:{} rows:0.126 columns:0.181 matrices:0.306 used:{}\n"


def test_what_shaped_steps_save_is_unknown_before_the_first_run_and_no_question_without_them(tmp_path: Path) -> None:
    ((title, text),) = saving_rows(tmp_path, load_job(JOBS / "fit16.yaml"))
    assert title == "shaped steps"
    assert text.startswith("what they save is unknown before weights are trained: the log says it when")
    assert saving_rows(tmp_path, job()) == []


def test_what_finished_seeds_of_the_configuration_said_is_told_from_their_logs(tmp_path: Path) -> None:
    shaped = load_job(JOBS / "fit16.yaml")
    config = resolved(shaped)["config"]
    put_run(tmp_path, "one-1", config, {1: [result(100)], 2: [result(100)], 3: [result(100)]})
    put_run(tmp_path, "two-2", {**config, "log": {}}, {1: [result(100)]})
    for place, text in {
        "one-1/seeds/1": SAID.format("0.677", "yes"),
        "one-1/seeds/2": SAID.format("0.120", "no"),
        "one-1/seeds/3": "shaped_steps predicted_bits_saved total:nan rows:\n",
        "two-2/seeds/1": SAID.format("0.900", "yes"),
    }.items():
        (tmp_path / "runs" / place / "attempt-1" / "train.log").write_text(text)
    assert past_savings(tmp_path, config) == [
        ([0.677, 0.126, 0.181, 0.306], True),
        ([0.12, 0.126, 0.181, 0.306], False),
    ]
    assert saving_rows(tmp_path, shaped) == [
        ("shaped steps", "predicted to save 0.120 to 0.677 bits a weight; alone rows 0.126, columns 0.181,"),
        ("", "matrices 0.306; 2 finished seeds of this configuration said so, 1 used them"),
    ]


def test_a_record_s_own_log_says_it_too(tmp_path: Path) -> None:
    config = resolved(load_job(JOBS / "fit16.yaml"))["config"]
    record = tmp_path / "records" / "local" / "2026-11-24_one"
    record.mkdir(parents=True)
    content = {"run": "one-1", "job": {"config": config}, "results": [result(100, seed=7)]}
    (record / "results.json").write_text(json.dumps(content))
    (record / "train_seed7.log").write_text(SAID.format("0.500", "yes"))
    assert past_savings(tmp_path, config) == [([0.5, 0.126, 0.181, 0.306], True)]
