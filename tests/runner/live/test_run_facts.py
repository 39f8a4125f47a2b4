"""What is told of a run while it runs, from its folder alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.drive.watch.status import status_facts
from runner.folder.ledger import Ledger
from runner.job.open_data import DataRequest
from tests.fixtures.live_run import live_run


def test_a_run_tells_limits_time_and_each_seeds_node_curve_size_and_what_it_waits_for(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = live_run(tiny_data, tmp_path)
    (facts,) = status_facts([run], tmp_path)["runs"]
    limits = ("train_limit_seconds", "eval_limit_seconds", "cap_bytes", "iterations", "track")
    assert [facts[name] for name in limits] == [5.0, 5.0, 16_000_000, None, "local"]
    assert facts["left_by_seeds"] is True
    low, high = facts["left_seconds"]
    assert 0 <= low <= high
    assert [facts[name] for name in ("dollars_per_hour", "dollars_spent", "dollars_total")] == [None, None, None]
    done, training, waiting = facts["seeds"]
    assert [seed["state"] for seed in facts["seeds"]] == ["completed", "training", "waiting for a node"]
    assert done["size_bytes"]["basis"] == "counted"
    assert done["size_bytes"]["expected"] == done["size_bytes"]["low"] > 0
    assert (training["node"], training["step"], training["losses"]) == ("box", 20, [[1, 10, 20], [6.0, 4.0, 3.0]])
    assert training["size_bytes"]["basis"] == "before it ran"
    assert training["size_bytes"]["low"] < training["size_bytes"]["high"]
    assert training["elapsed_seconds"] >= 0
    assert (waiting["node"], waiting["elapsed_seconds"]) == (None, None)
    assert waiting["waits_for"] == "waits its turn: one seed after the other"
    assert (done["waits_for"], training["waits_for"]) == (None, None)


def test_a_forecast_in_the_log_takes_the_place_of_the_one_before_it_ran(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    run = live_run(tiny_data, tmp_path, "forecast at:90% artifact:1000 total:1234\n")
    size = status_facts([run], tmp_path)["runs"][0]["seeds"][1]["size_bytes"]
    assert size == {"low": None, "high": None, "expected": 1234, "basis": "the log's forecast at 90 % of training"}


def test_of_a_run_that_nobody_drives_nothing_is_ahead(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = live_run(tiny_data, tmp_path)
    run.driver.unlink()
    (facts,) = status_facts([run], tmp_path)["runs"]
    assert (facts["state"], facts["left_seconds"], facts["dollars_total"]) == ("no driver", None, None)
    assert [seed["state"] for seed in facts["seeds"]] == ["completed", "interrupted", "interrupted"]


def test_dollars_are_those_of_every_launch_by_the_profiles_price(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = live_run(tiny_data, tmp_path)
    job = json.loads(run.job.read_text())
    run.job.write_text(json.dumps({**job, "hardware": "h100x1"}))
    ledger = Ledger(run.ledger)
    ledger.append("finished", seed=2, attempt=1, status="failed", held_seconds=3600.0)
    (facts,) = status_facts([run], tmp_path)["runs"]
    assert facts["dollars_per_hour"] == 2.7
    assert facts["seeds"][1]["dollars"] == pytest.approx(2.7)
    assert facts["dollars_spent"] == pytest.approx(2.7, abs=0.01)
    assert facts["seeds"][2]["dollars"] is None
    assert facts["seeds"][2]["waits_for"] == "waits for a node"


def test_a_job_that_cannot_be_read_leaves_it_unknown(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = live_run(tiny_data, tmp_path)
    run.job.write_text('{"name": 1}')
    (facts,) = status_facts([run], tmp_path)["runs"]
    assert [facts[name] for name in ("train_limit_seconds", "left_seconds", "dollars_spent")] == [None, None, None]
    assert [seed["state"] for seed in facts["seeds"]] == ["completed", "training", "waiting for a node"]
    assert facts["seeds"][1]["size_bytes"] is None
