"""The whole walk with the real model: two seeds, ten steps, on Ray and in-process, and the script alone.

Training follows the step count here, so on one machine every run of a seed must give the very same artifact.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from runner.audit.audit import audit_folder
from runner.compare.compare import compare
from runner.folder.ledger import check_chain
from runner.job.open_data import DataRequest
from runner.record.comparison_sources import arm_of_folder
from runner.results.record import RecordData
from tests.fixtures.tiny_data import VOCAB

JOB = """name: tiny
track: local
hardware: cpu
seeds: [1, 2]
concurrent: 2
yardsticks: true
data:
  path: {folder}
  tokenizer: {tokenizer}
limits: {{train_seconds: 60, eval_seconds: 60}}
claim: {{baseline: {{name: guessing, val_bpb: [9.0, 9.1, 9.2]}}, gain: 0.01}}
config:
  model:
    vocab_size: {vocab}
    model_dim: 32
    num_heads: 2
    num_kv_heads: 1
    num_layers: 2
    bigram: {{buckets: 64, dim: 8}}
  schedule: {{kind: steps, iterations: 10, warmdown_iters: 4, warmup_steps: 1}}
  batch: {{train_batch_tokens: 256, train_seq_len: 16, val_batch_tokens: 512, micro_batches: 2}}
  export: {{passthrough_numel: 512}}
  log: {{train_log_every: 5, val_loss_every: 5}}
"""

OFFICIAL_LINES = (
    r"model_params:\d+",
    r"world_size:2 grad_accum_steps:1",
    r"train_batch_tokens:256 train_seq_len:16 iterations:10 warmup_steps:1 max_wallclock_seconds:0.000",
    r"seed:1337",
    r"step:10/10 train_loss:\d+\.\d{4} train_time:\d+ms step_avg:\d+\.\d{2}ms",
    r"step:10/10 val_loss:\d+\.\d{4} val_bpb:\d+\.\d{4} train_time:\d+ms step_avg:\d+\.\d{2}ms",
    r"peak memory allocated: \d+ MiB reserved: \d+ MiB",
    r"Serialized model: \d+ bytes",
    r"Code size: \d+ bytes",
    r"Total submission size: \d+ bytes",
    r"Serialized model int8\+golf: \d+ bytes \(payload:\d+ raw:\d+ payload_ratio:\d+\.\d{2}x\)",
    r"Total submission size int8\+golf: \d+ bytes",
    r"final_int8_golf_roundtrip val_loss:\d+\.\d{4} val_bpb:\d+\.\d{4} eval_time:\d+ms",
    r"final_int8_golf_roundtrip_exact val_loss:\d+\.\d{8} val_bpb:\d+\.\d{8}",
)


def start_golf(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, tiny_data: DataRequest) -> Path:
    """The job's file."""
    path = tmp_path_factory.mktemp("job") / "tiny.yaml"
    path.write_text(JOB.format(folder=tiny_data.folder, tokenizer=tiny_data.tokenizer, vocab=VOCAB))
    return path


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, job: Path) -> dict[str, Path]:
    """The record of the same job on Ray and in-process, run at the same time."""
    folders = {way: tmp_path_factory.mktemp(way) for way in ("ray", "local")}
    running = {
        way: start_golf(folder, "run", str(job), *(["--local"] if way == "local" else []))
        for way, folder in folders.items()
    }
    found = {}
    for way, process in running.items():
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert "PASSED" in output
        (found[way],) = (folders[way] / "records" / "local").iterdir()
    return found


def bundle(folder: Path, job: Path) -> None:
    """Write train_gpt.py into `folder`."""
    output, _ = (process := start_golf(folder, "bundle", str(job))).communicate(timeout=60)
    assert process.returncode == 0, output


def results(record: Path) -> RecordData:
    return RecordData.model_validate_json((record / "results.json").read_bytes())


def without_circumstances(data: RecordData) -> dict[str, Any]:
    """A record's content but for times, hosts and ledger."""
    content = data.model_dump(mode="json", exclude={"ledger", "launches", "date"})
    for curve in content["curves"]:
        del curve["seconds"], curve["val_seconds"]
    for result in content["results"]:
        for name in ("host", "preflight", "idle_seconds", "started_at", "finished_at", "evidence"):
            del result[name]
        for name in ("train_seconds", "step_avg_ms", "eval_seconds", "peak_memory_mib"):
            del result["log"][name]
        for phase in ("train", "eval"):
            result[phase] = {"command": result[phase]["command"], "events": list(result[phase]["events"])}
    for check in content["verdict"]["checks"]:
        if check["name"] in ("train_clock", "eval_clock", "log_clock"):
            del check["measured"], check["limit"], check["detail"]
    return content


def test_the_jobs_claim_is_tested_in_its_record_and_decides_no_verdict(records: dict[str, Path]) -> None:
    found = results(records["ray"]).comparison
    assert found is not None
    assert (found.outcome, found.baseline.name, found.candidate.seeds) == ("holds", "guessing", (1, 2))
    assert "**The claim holds by the policy readme" in (records["ray"] / "README.md").read_text()


def test_two_records_of_one_run_are_not_held_against_each_other(records: dict[str, Path]) -> None:
    found = compare(arm_of_folder(records["ray"]), arm_of_folder(records["local"]))
    assert found.outcome == "undecided"
    assert "same artifact" in found.obstacles[0]


def test_the_record_is_complete(records: dict[str, Path]) -> None:
    record = records["ray"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_tiny", record.name)
    assert {path.name for path in record.iterdir()} == {
        "README.md",
        "SHA256SUMS",
        "environment.json",
        "ledger.jsonl",
        "loss.svg",
        "requirements.txt",
        "results.csv",
        "results.json",
        "submission.json",
        "tokenizer.model",
        "train_gpt.py",
        "train_gpt_flat.py",
        "train_seed1.log",
        "train_seed2.log",
    }
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=record, check=True)
    assert check_chain(record / "ledger.jsonl")
    data = results(record)
    assert [result.seed for result in data.results] == [1, 2]
    not_passed = {(check.name, check.status) for check in data.verdict.checks if check.status != "pass"}
    side_by_side = {("data_after_freeze", "unknown"), ("eval_isolated", "unknown")}  # two seeds on one machine
    assert not_passed <= {*side_by_side, ("validation_text", "unknown")}  # a tokenizer that nobody published
    assert {yardstick.name for yardstick in data.yardsticks} >= {"bigram", "xz", "xz_primed"}
    submission = json.loads((record / "submission.json").read_text())
    scores = [result.final_score.val_bpb for result in data.results if result.final_score]
    assert submission["val_bpb"] == pytest.approx(sum(scores) / 2, abs=1e-15)
    assert f"{submission['val_bpb']:.4f}" in (record / "README.md").read_text()


@pytest.mark.parametrize("way", ["ray", "local"])
def test_the_audit_finds_nothing_against_the_record(records: dict[str, Path], way: str) -> None:
    audit = audit_folder(records[way])
    data = results(records[way])
    assert audit.findings == ()
    assert {run.seed: run.final_val_bpb for run in audit.runs} == {
        result.seed: pytest.approx(result.final_score.val_bpb, abs=1e-8)
        for result in data.results
        if result.final_score
    }
    assert audit.n_primary_runs == 2


def test_ray_and_local_give_the_same_record(records: dict[str, Path]) -> None:
    ray, local = results(records["ray"]), results(records["local"])
    assert without_circumstances(ray) == without_circumstances(local)
    hashes = [result.artifact.sha256 for result in ray.results if result.artifact]
    assert len(set(hashes)) == 2
    assert (records["ray"] / "train_gpt.py").read_bytes() == (records["local"] / "train_gpt.py").read_bytes()


@pytest.mark.slow
def test_the_record_verifies_with_its_artifacts_scored_again(records: dict[str, Path]) -> None:
    output, _ = (process := start_golf(records["local"], "verify", ".", "--run")).communicate(timeout=200)
    assert process.returncode == 0, output
    assert "Nothing speaks against it." in output
    assert "Not checked" not in output


@pytest.mark.slow
def test_the_record_is_reproduced_from_its_folder_alone_to_the_bit(
    records: dict[str, Path], tiny_data: DataRequest, tmp_path: Path
) -> None:
    words = ["reproduce", str(records["local"]), "--seed", "2", "--data", str(tiny_data.folder), "--local"]
    output, _ = (process := start_golf(tmp_path, *words)).communicate(timeout=300)
    assert process.returncode == 0, output
    assert "The same artifact?" in output
    (again,) = (tmp_path / "reproduced" / records["local"].name / "records" / "local").iterdir()
    (new,), old = results(again).results, results(records["local"]).results[1]
    assert new.artifact is not None
    assert new.artifact == old.artifact
    assert (again / "train_gpt.py").read_bytes() == (records["local"] / "train_gpt.py").read_bytes()


@pytest.mark.slow
def test_the_bundled_script_runs_alone_under_torchrun(tmp_path: Path, job: Path, tiny_data: DataRequest) -> None:
    bundle(tmp_path, job)
    assert [path.name for path in tmp_path.iterdir()] == ["train_gpt.py"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GOLF_")}
    env |= {
        "SEED": "1337",
        "DATA_PATH": str(tiny_data.folder),
        "TOKENIZER_PATH": str(tiny_data.tokenizer),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "train_gpt.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for pattern in OFFICIAL_LINES:
        assert any(re.fullmatch(pattern, line) for line in lines), pattern
    size = next(int(line.split()[2]) for line in lines if line.startswith("Code size"))
    assert size == (tmp_path / "train_gpt.py").stat().st_size
    sizes = [int(line.split(":")[1].split()[0]) for line in lines if line.startswith("Total submission size int8")]
    assert sizes == [size + (tmp_path / "final_model.ptz").stat().st_size]


def test_a_script_refuses_configuration_from_its_environment(tmp_path: Path, job: Path) -> None:
    bundle(tmp_path, job)
    env = {**os.environ, "ITERATIONS": "5", "MATRIX_LR": "0.1"}
    done = subprocess.run(
        [sys.executable, "train_gpt.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "ITERATIONS, MATRIX_LR" in done.stderr


@pytest.mark.slow
def test_a_cluster_that_is_already_there_is_used(tmp_path: Path, job: Path) -> None:
    ray = str(Path(sys.executable).with_name("ray"))
    port = "6399"  # outside the range that workers take
    words = [
        "--head",
        "--block",
        f"--port={port}",
        "--num-cpus=2",
        "--include-dashboard=false",
        "--disable-usage-stats",
    ]
    env = {**os.environ, "RAY_TMPDIR": tempfile.mkdtemp(prefix="r")}
    with subprocess.Popen(
        [ray, "start", *words], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as head:
        try:
            give_up = time.monotonic() + 60
            while True:
                process = start_golf(tmp_path, "plan", str(job), "--address", f"127.0.0.1:{port}")
                output, _ = process.communicate(timeout=120)
                if process.returncode == 0:
                    break
                assert time.monotonic() < give_up, output
            assert f"127.0.0.1:{port}: 1 node of" in output
            process = start_golf(tmp_path, "run", str(job), "--address", f"127.0.0.1:{port}")
            output, _ = process.communicate(timeout=200)
            assert process.returncode == 0, output
            assert "PASSED" in output
        finally:
            head.terminate()


@pytest.mark.slow
def test_two_processes_meet_over_gloo_in_both_cut_off_phases(tmp_path: Path, tiny_data: DataRequest) -> None:
    text = JOB.format(folder=tiny_data.folder, tokenizer=tiny_data.tokenizer, vocab=VOCAB)
    (tmp_path / "two.yaml").write_text(
        text.replace("seeds: [1, 2]\nconcurrent: 2", "seeds: [1]\nnproc: 2").replace("name: tiny", "name: two")
    )
    output, _ = (process := start_golf(tmp_path, "run", "two.yaml", "--local")).communicate(timeout=280)
    assert process.returncode == 0, output
    (record,) = (tmp_path / "records" / "local").iterdir()
    (result,) = results(record).results
    assert result.train is not None
    assert result.eval is not None
    for phase in (result.train, result.eval):
        assert "--nproc_per_node=2" in phase.command
        assert phase.isolation is not None
    assert result.eval_score == result.train_score
