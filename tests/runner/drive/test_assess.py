"""What a job could tell its script beside its own bytes, counted; machines that are not what they say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from runner.backends.backend import LocalBackend
from runner.backends.nodes import this_node
from runner.data.known_texts import KNOWN_TEXTS
from runner.drive.assess import Carried, carried_by, last_day
from runner.drive.run import run_plan
from runner.errors import UserError
from runner.job.load import job_from_mapping
from runner.job.open_data import DataRequest, open_requested
from runner.job.spec import JobSpec
from runner.node.gpus import nvidia_smi
from runner.plan.plan import make_plan
from runner.script.bundle import script_of
from tests.fixtures.four_nodes import with_gpus
from tests.fixtures.results import run_result
from tests.runner.drive.test_run import Screen, checks
from tests.runner.job.test_external_script import foreign_job, run_foreign

FORGED = "device:cuda:0 name:NVIDIA H100 80GB HBM3 precision:bfloat16 compile:off threads:1"


def job_on(track: str, **changes: Any) -> JobSpec:
    """A job whose data nobody opens here."""
    limits = {} if track == "10min_16mb" else {"limits": {"train_seconds": 600, "eval_seconds": 600}}
    base = {"name": "x", "track": track, "seeds": [1], "data": {"path": "shards", "tokenizer": "t.model"}, **limits}
    return job_from_mapping({**base, **changes}, source="job.yaml")


def test_a_record_is_of_the_day_on_which_its_last_seed_ended() -> None:
    ends = ("2026-12-31T23:59:59+00:00", "2027-01-01T00:00:01+00:00", "2026-12-31T23:00:00+00:00")
    assert last_day([run_result(seed, finished_at=end) for seed, end in enumerate(ends)]) == "2027-01-01"
    assert last_day([]) == ""


def test_a_tokenizer_of_ones_own_counts_as_code_where_the_text_is_the_challenges(tiny_data: DataRequest) -> None:
    data = open_requested(tiny_data)
    size = data.tokenizer.stat().st_size
    assert size > 1_000
    assert carried_by(job_on("10min_16mb"), data) == Carried(tokenizer=size)
    assert carried_by(job_on("non_record_16mb"), data) == Carried(tokenizer=size)
    assert carried_by(job_on("local"), data) == Carried(unknown=size)
    assert carried_by(job_on("local", data={"corpus": "asv"}), data) == Carried()


def test_one_that_merged_records_used_does_not(tiny_data: DataRequest) -> None:
    data = open_requested(tiny_data)
    files = {**data.facts.files, data.facts.tokenizer: KNOWN_TEXTS[-1].tokenizer}
    known = data.__class__(
        **{**vars(data), "facts": data.facts.model_copy(update={"files": files})}  # nothing else of it changes
    )
    assert carried_by(job_on("10min_16mb"), known) == Carried()


def test_a_sidecar_that_nobody_knows_leaves_the_size_unknown(tiny_data: DataRequest, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    shutil.copytree(str(tiny_data.folder), folder)
    (val,) = folder.glob("fineweb_val_*.bin")
    shutil.copyfile(val, folder / "fineweb_val_bytes_000000.bin")
    data = open_requested(DataRequest(None, str(folder), tiny_data.tokenizer, 0))
    size = val.stat().st_size
    assert carried_by(job_on("10min_16mb"), data).unknown == size
    (folder / "fineweb_val_bytes_\n.bin").write_bytes(b"")
    with pytest.raises(UserError, match=r"holds a control character \(U\+000A\)"):
        open_requested(DataRequest(None, str(folder), tiny_data.tokenizer, 0))


def test_weights_in_variables_are_counted_where_the_script_finds_them(tiny_data: DataRequest, tmp_path: Path) -> None:
    weights = {f"WEIGHTS_{number}": "w" * 900 for number in range(2)}
    job = foreign_job(tiny_data, tmp_path, env={"PACE": "0.01", **weights})
    done = run_foreign(job, tiny_data, tmp_path)
    (counted,), (result,) = done.data.verifications, done.data.results
    names = len("PACE") + 2 * len("WEIGHTS_0")
    assert counted.variable_bytes == 1_800 + len("0.01") + names
    assert counted.code_bytes == len(done.script.source) + counted.variable_bytes == result.code_bytes
    assert done.script.code_bytes == counted.code_bytes


@pytest.mark.skipif(nvidia_smi() is not None, reason="this machine has GPUs of its own")
@pytest.mark.parametrize("line", [FORGED, "nothing of its device"])
def test_a_cpu_with_a_false_nvidia_smi_is_no_h100_whatever_its_script_says(
    line: str, tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", with_gpus(tmp_path / "bin", "NVIDIA H100 80GB HBM3, 81559, 4, 560.35.03", 8))
    job = foreign_job(tiny_data, tmp_path, hardware="h100x1", env={"PACE": "0.01"})
    assert job.script is not None
    job.script.write_text(f"print({line!r}, flush=True)\n{job.script.read_text()}")
    script = script_of(job)
    plan = make_plan(job, open_requested(tiny_data), script.code_bytes, [this_node()])
    done = run_plan(plan, script, tmp_path, Screen().console, LocalBackend)
    (result,) = done.data.results
    assert result.host is not None
    assert result.host.gpus == ["NVIDIA H100 80GB HBM3"]
    assert result.host.gpus_vouched is False
    built_without = "+cpu" in result.host.versions["torch"]
    assert checks(done, "hardware") == {"fail" if built_without else "unknown"}
    assert os.environ["PATH"].startswith(str(tmp_path / "bin"))
