"""What a phase must not see it cannot see, nothing that training left is found, and what was read when is known."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path
from typing import Any

import pytest

from reports.record.pages import pages
from reports.sections.apart import OPENED
from runner.drive.assess import JudgedRun
from runner.job.open_data import DataRequest, open_requested
from runner.node.isolation.places import hidden_places, training_places
from runner.results.phases import Isolation
from tests.fixtures.fake_script import fake_data
from tests.fixtures.systems import needs_namespaces
from tests.runner.drive.test_run import checks
from tests.runner.job.test_external_script import foreign_job, run_foreign

SWITCH = {"eval_env": {"EVAL_ONLY": "1"}, "artifact": "final_model.int8.*"}


@needs_namespaces
def test_a_fresh_process_finds_nothing_that_training_left_beside_its_artifact(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "secret")
    word = f"{tmp_path.name}-{os.getpid()}"
    try:
        done = evaluated(tiny_data, tmp_path, HOW="stashes", WORD=word, PACE="0.01")
        assert done.data.results[0].status == "completed", done.data.results[0].reason
        told = done.folder.attempts(1)[0].log("eval").read_text()
        assert told.startswith("found 0 of 5; secrets: []\nbeside: eval eval-data home tmp, lock of 0 bytes\n")
        assert "val_bpb:0.5" not in told
    finally:
        for folder in ("/tmp", "/var/tmp", "/dev/shm"):
            Path(folder, f"stash-of-{word}").unlink(missing_ok=True)


def test_a_folder_in_which_something_needed_lies_is_hidden_file_by_file(tmp_path: Path) -> None:
    data = fake_data(tmp_path / "data")
    assert training_places(data, tmp_path / "work") == [tmp_path / "data"]
    assert training_places(data, tmp_path / "data" / "work") == list(data.train_files)


def evaluated(data: DataRequest, folder: Path, **env: str) -> JudgedRun:
    return run_foreign(foreign_job(data, folder, outputs=SWITCH, env={"PACE": "0.01", **env}), data, folder)


@needs_namespaces
@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"HOW": "eval_reads", "TRAIN_DATA": "{data}"}, "FileNotFoundError"),
        ({"HOW": "eval_calls", "CALL": "{server}"}, "ConnectionRefusedError"),
    ],
)
def test_an_evaluation_that_opens_a_training_shard_or_a_socket_fails(
    tiny_data: DataRequest, tmp_path: Path, env: dict[str, str], reason: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        places: dict[str, Any] = {"data": tiny_data.folder, "server": f"127.0.0.1:{server.getsockname()[1]}"}
        done = evaluated(tiny_data, tmp_path, **{name: value.format(**places) for name, value in env.items()})
    (result,) = done.data.results
    assert result.status == "failed"
    assert reason in result.reason
    assert done.data.verdict.status == "rejected"


CALLS = """
import os, socket
host, port = os.environ["CALL"].split(":")
try:
    socket.create_connection((host, int(port)), 2).close()
    WORD = "reached"
except OSError as error:
    WORD = f"not reached: {error.strerror}"
"""


@needs_namespaces
@pytest.mark.parametrize("network", [True, False])
def test_network_true_opens_it_to_training_alone_and_the_record_says_so(
    tiny_data: DataRequest, tmp_path: Path, network: bool
) -> None:
    (tmp_path / "side.py").write_text(CALLS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        env = {"PACE": "0.01", "HOW": "eval_calls", "CALL": f"127.0.0.1:{server.getsockname()[1]}"}
        job = foreign_job(tiny_data, tmp_path, files=["side.py"], network=network, outputs=SWITCH, env=env)
        done = run_foreign(job, tiny_data, tmp_path)
    log = done.folder.attempts(1)[0].log("train").read_text()
    assert log.startswith("reached\n" if network else "not reached: Connection refused\n")
    (result,) = done.data.results
    assert "ConnectionRefusedError" in result.reason  # evaluation never reaches it
    assert result.train is not None
    assert result.train.isolation == Isolation(layer="namespaces", network=network)
    assert result.eval is not None
    assert result.eval.isolation == Isolation(layer="namespaces", network=False)
    assert (OPENED in pages(done.data)["README.md"].decode()) is network


@needs_namespaces
def test_an_evaluation_that_stays_within_its_bounds_passes(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = evaluated(tiny_data, tmp_path)
    assert checks(done, "eval_isolated") == {"pass"}
    assert done.data.results[0].status == "completed"


@needs_namespaces
@pytest.mark.parametrize("isolate", [True, False])
def test_training_can_be_kept_from_the_validation_shards(
    tiny_data: DataRequest, tmp_path: Path, isolate: bool
) -> None:
    (tmp_path / "side.py").write_text(
        "import glob, os\n"
        "shards = glob.glob(os.environ['DATA_PATH'] + '/*_val_*')\n"
        "WORD = f\"{sum(len(open(path, 'rb').read()) for path in shards)} bytes\"\n"
    )
    job = foreign_job(tiny_data, tmp_path, files=["side.py"], isolate=isolate, env={"PACE": "0.01"})
    log = run_foreign(job, tiny_data, tmp_path).folder.attempts(1)[0].log("train").read_text()
    size = sum(path.stat().st_size for path in open_requested(tiny_data).val_files)
    assert log.startswith("0 bytes\n" if isolate else f"{size} bytes\n")


@pytest.mark.parametrize(("how", "status"), [("reads_late", "fail"), ("", "pass")])
def test_a_script_that_reads_shards_after_the_freeze_fails(
    tiny_data: DataRequest, tmp_path: Path, how: str, status: str
) -> None:
    job = foreign_job(tiny_data, tmp_path, env={"HOW": how, "PACE": "0.01"}, track="non_record_16mb", probe=False)
    done = run_foreign(job, tiny_data, tmp_path)
    assert checks(done, "data_after_freeze") == {status}
    assert done.data.verdict.status == ("rejected" if how else "unverified")


def test_on_a_shared_machine_a_late_reading_may_be_somebody_elses(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_foreign(foreign_job(tiny_data, tmp_path, env={"PACE": "0.01"}), tiny_data, tmp_path)
    assert checks(done, "data_after_freeze") == {"unknown"}


def test_a_user_whom_no_password_file_knows_has_something_hidden_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    (tmp_path / "work").mkdir()
    assert tmp_path in hidden_places(tmp_path / "work")
