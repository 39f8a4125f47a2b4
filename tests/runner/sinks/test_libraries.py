"""What each library was told of a run of two seeds, read back from its files; skipped where it is not installed.

wandb and MLflow are large and no part of `dev`: who changes their sinks installs golf[wandb,mlflow] and runs this.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.backends.backend import LocalBackend
from runner.drive.run import run_plan
from runner.job.open_data import DataRequest
from runner.sinks.sink import MODULES, orders
from runner.sinks.sinks import Sinks
from tests.fixtures.fake_script import fake_script
from tests.runner.drive.test_run import Screen, plan_for, script_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
"""Libraries take seconds to import, and their warnings are none of ours."""
KEY = "0123456789abcdef0123456789abcdefSECRETKY"
LOSSES = [2.9, 2.8, 2.7, 2.6, 2.5]


def run_of_two(
    kind: str, data: DataRequest, root: Path, spec: dict[str, Any], *, hold: float = 60.0
) -> tuple[str, str]:
    """Run two fake seeds with one sink; the run's name, and what the screen showed."""
    pytest.importorskip(MODULES[kind], reason=f"needs golf[{kind}]")
    plan, screen = plan_for(data, (1, 2), sinks={kind: spec}), Screen()

    def say(line: str) -> None:
        screen.console.print(line, markup=False, highlight=False, soft_wrap=True)

    with Sinks(list(orders(plan.job.sinks, root)), say, patience=hold) as sinks:
        done = run_plan(plan, script_of(fake_script()), root, screen.console, LocalBackend, sinks=sinks)
    assert {result.status for result in done.data.results} == {"completed"}
    return done.folder.path.name, screen.text


def files_of(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.rglob(pattern))


def tf_records(path: Path) -> Iterator[bytes]:
    """Of an event file: length, its check, the record, its check."""
    with path.open("rb") as file:
        while head := file.read(12):
            yield file.read(struct.unpack("<Q", head[:8])[0])
            file.read(4)


def log_records(path: Path) -> Iterator[bytes]:
    """Of a .wandb file: blocks of 32 KiB, in each parts of records with check, length and kind (whole, first, …)."""
    data, at, whole = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield whole
            whole = b""


def test_tensorboard_has_each_seeds_losses_and_what_it_came_to(tiny_data: DataRequest, tmp_path: Path) -> None:
    name, shown = run_of_two("tensorboard", tiny_data, tmp_path, {})
    from tensorboardX.proto.event_pb2 import Event

    assert "sink tensorboard: 2 seeds, 10 lines of steps: tensorboard --logdir " in shown
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for path in files_of(tmp_path / "sinks" / "tensorboard" / name, "events.*"):
        scalars = found.setdefault(path.parent.name, {})
        for record in tf_records(path):
            event = Event.FromString(record)
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    scalars.setdefault(value.tag, []).append((event.step, round(value.simple_value, 4)))
    assert found.keys() == {"seed-1", "seed-2", "verdict"}
    for seed in (1, 2):
        told = found[f"seed-{seed}"]
        assert told["train/loss"] == list(zip(range(1, 6), LOSSES, strict=True))
        assert told["final/val_bpb"] == [(5, 1.5028)]
        assert told["final/artifact_bytes"] == [(5, 17.0)]
    assert found["verdict"] == {"verdict/mean_val_bpb": [(0, 1.5028)]}


def test_wandb_offline_has_a_run_for_each_seed_and_no_key(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    name, shown = run_of_two("wandb", tiny_data, tmp_path, {"mode": "offline"})
    assert "sink wandb: 2 seeds, 10 lines of steps: wandb sync " in shown
    from wandb.proto.wandb_internal_pb2 import Record

    found: dict[str, dict[str, Any]] = {}
    for path in files_of(tmp_path / "sinks" / "wandb", "*.wandb"):
        records = [Record.FromString(record) for record in log_records(path)]
        (run,) = [one.run for one in records if one.WhichOneof("record_type") == "run"]
        history = [one.history for one in records if one.WhichOneof("record_type") == "history"]
        losses = [{item.nested_key[0]: json.loads(item.value_json) for item in one.item} for one in history]
        summary: dict[str, Any] = {}
        for one in records:
            for item in one.summary.update:
                summary[item.nested_key[0] if item.nested_key else item.key] = json.loads(item.value_json)
        assert (run.run_group, run.project) == (name, "golf")
        found[run.display_name] = {"losses": [one.get("train/loss") for one in losses], **summary}
    assert found.keys() == {f"{name}/seed-1", f"{name}/seed-2", f"{name}/verdict"}
    for seed in (1, 2):
        told = found[f"{name}/seed-{seed}"]
        assert told["losses"] == LOSSES
        assert (told["status"], told["steps"], told["artifact_bytes"]) == ("completed", 5, 17)
    assert found[f"{name}/verdict"]["verdict"] == "rejected"
    assert [path for path in files_of(tmp_path, "*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


def test_mlflow_has_a_run_for_the_job_and_one_below_it_for_each_seed(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    name, shown = run_of_two("mlflow", tiny_data, tmp_path, {})
    assert "sink mlflow: 2 seeds, 10 lines of steps: mlflow server " in shown
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "sinks" / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("golf")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == {name, "seed-1", "seed-2"}
    job = runs[name]
    assert (job.info.status, job.data.tags["golf.verdict"]) == ("FINISHED", "rejected")
    assert job.data.params["model.model_dim"] == "32"
    for seed in (1, 2):
        run = runs[f"seed-{seed}"]
        assert (run.info.status, run.data.tags["mlflow.parentRunId"]) == ("FINISHED", job.info.run_id)
        history = client.get_metric_history(run.info.run_id, "train/loss")
        assert sorted((one.step, one.value) for one in history) == list(zip(range(1, 6), LOSSES, strict=True))
        assert run.data.metrics["final/artifact_bytes"] == 17


def test_wandb_without_its_server_or_a_key_costs_a_line(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9/")
    _, shown = run_of_two("wandb", tiny_data, tmp_path, {"key_env": "MY_KEY"}, hold=8.0)
    assert shown.count("; the run goes on without it") == 1
    assert KEY not in shown
    assert [path for path in files_of(tmp_path, "*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
