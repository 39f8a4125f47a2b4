"""Four raylets on this machine: a mixed queue of two jobs, drivers that survive their submitter, views from afar."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from runner.drive.collect import read_result
from runner.drive.watch.gauges import GAUGES
from runner.drive.watch.status import seed_states
from runner.folder.ledger import check_chain
from runner.folder.paths import RunFolder
from runner.folder.runs import all_runs
from runner.job.open_data import DataRequest
from tests.fixtures.commands import golf
from tests.fixtures.four_nodes import four_nodes
from tests.fixtures.places import ROOT
from tests.runner.folder.test_runs import eventually, write_foreign_job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    """Addresses of a living cluster."""
    with four_nodes() as told, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", told["token"])
        yield told


def cluster_job(folder: Path, data: DataRequest, name: str, hardware: str, seeds: str, pace: float = 0.05) -> Path:
    """A foreign script on whole nodes of a kind; its speed is not measured, for no GPU is there."""
    folder.mkdir(exist_ok=True)
    more = f"env: {{PACE: '{pace}'}}\nprobe: false\nnproc: 1\n"
    path = write_foreign_job(folder, data, name, seeds, more)
    text = path.read_text().replace("track: local", "track: non_record_16mb")
    path.write_text(text.replace("hardware: cpu", f"hardware: {hardware}"))
    return path


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner.cli", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def entries(run: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in check_chain(run.ledger) if entry["kind"] == kind]


def test_two_jobs_share_the_cluster_and_each_seed_has_its_node_alone(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    pod = cluster_job(tmp_path, tiny_data, "pod", "h100x8", "[1, 2]")
    sparks = cluster_job(tmp_path, tiny_data, "sparks", "dgx-spark", "[1, 2, 3]")
    drivers = [start(tmp_path, "run", str(job), "--address", cluster["address"]) for job in (pod, sparks)]
    for driver in drivers:
        output, _ = driver.communicate(timeout=180)
        assert driver.returncode == 1, output
        assert "torch of seed 1, 2" in output, "these GPUs are made up"
        assert "was built without CUDA" in output
    runs = {run.path.name.rpartition("-")[0]: run for run in all_runs(tmp_path)}
    nodes = {name: [entry["node"] for entry in entries(run, "launched")] for name, run in runs.items()}
    assert len(set(nodes["pod"])) == 1
    assert len(set(nodes["sparks"])) == 2
    assert not set(nodes["pod"]) & set(nodes["sparks"])
    for run in runs.values():
        running: set[str] = set()
        where = {}
        for entry in check_chain(run.ledger):
            if entry["kind"] == "launched":
                assert entry["node"] not in running
                running.add(entry["node"])
                where[entry["seed"]] = entry["node"]
            elif entry["kind"] == "finished":
                running.remove(where[entry["seed"]])
        results = [read_result(run.attempt(state.seed, 1).result) for state in seed_states(run)]
        assert all(result is not None and result.status == "completed" for result in results)
        gpus = {gpu.name for result in results if result and result.preflight for gpu in result.preflight.gpus}
        assert len(gpus) == 1
        idle = [result.idle_seconds for result in results if result and result.idle_seconds is not None]
        assert len(idle) == len(results) - len(set(where.values()))
        assert all(0 < seconds < 30 for seconds in idle)


def test_what_no_node_can_take_is_said_at_once(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    job = cluster_job(tmp_path, tiny_data, "dream", "h200x8", "[1]")
    before = time.monotonic()
    done = golf(tmp_path, "run", str(job), "--address", cluster["address"])
    assert time.monotonic() - before < 30
    assert done.returncode == 2
    assert "no node offers 1x H200 and 1 CPUs for one seed; the cluster has" in done.stderr
    for kind in ("1 node of 8x H100 and 8 CPUs", "2 nodes of 1x GB10 and 2 CPUs", "1 node of 0 GPUs and 2 CPUs"):
        assert kind in done.stderr
    assert list((tmp_path / "runs").glob("*")) == []


def test_a_submitted_job_that_is_against_another_is_run_pair_by_pair_there(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    one = cluster_job(tmp_path, tiny_data, "one", "dgx-spark", "[1]")
    two = cluster_job(tmp_path, tiny_data, "two", "dgx-spark", "[1, 2]", pace=0.02)
    two.write_text(f"{two.read_text()}against: {one.name}\n")
    there = tmp_path / "there"
    far = ["--address", cluster["dashboard"], "--output", str(there)]
    done = golf(tmp_path, "submit", str(two), *far)
    assert done.returncode == 0, done.stderr
    assert "golf-duel-two-" in done.stdout
    driver = done.stdout.split()[0]
    eventually(lambda: "pairs" in golf(tmp_path, "logs", driver, *far[:2]).stdout)
    eventually(lambda: len(list(there.glob("*/*/*/results.json"))) == 2, seconds=300)
    runs = {run.path.name.rpartition("-")[0]: run for run in all_runs(there)}
    order = [(name, entry["time"], entry["seed"]) for name in runs for entry in entries(runs[name], "launched")]
    assert [(name, seed) for name, _, seed in sorted(order, key=lambda one: one[1])] == [
        *(("one", 1), ("two", 1), ("two", 2), ("one", 2))
    ]


def test_a_submitted_driver_outlives_its_submitter_and_is_seen_stopped_and_resumed_from_elsewhere(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    job = cluster_job(tmp_path / "here", tiny_data, "far", "dgx-spark", "[1, 2, 3]", pace=2.0)
    there = tmp_path / "there"
    far = ["--address", cluster["dashboard"], "--output", str(there)]
    done = golf(tmp_path, "submit", str(job), *far)
    assert done.returncode == 0, done.stderr
    assert "needs this machine no more" in done.stdout
    eventually(lambda: sum(state.step is not None for run in all_runs(there) for state in seed_states(run)) == 2)
    eventually(lambda: golf(tmp_path, "status", *far).stdout.count("training") == 2)
    assert golf(tmp_path, "top", str(there), *far[:2]).stdout.count("training") == 2
    asked = urllib.request.Request(f"http://{cluster['dashboard']}/api/jobs/")
    asked.add_header("Authorization", f"Bearer {cluster['token']}")
    with urllib.request.urlopen(asked, timeout=30) as answer:
        verbs = [(job["metadata"] or {}).get("verb") for job in json.load(answer)]
    assert verbs.count("status") == 0, "the board was read, and no job was started to tell"
    elsewhere = golf(tmp_path, "top", str(tmp_path / "elsewhere"), *far[:2])
    assert elsewhere.stdout == f"no run under {cluster['dashboard']} {tmp_path}/elsewhere\n", elsewhere.stderr
    following = start(tmp_path, "logs", "-f", "far/1", *far)
    stopped = golf(tmp_path, "stop", "far", *far)
    assert stopped.returncode == 0, stopped.stderr
    assert "golf resume goes on with it" in stopped.stdout
    told, _ = following.communicate(timeout=60)
    assert "warmup_step:2/2\n" in told
    assert "Running entrypoint" not in told
    (run,) = all_runs(there)
    assert [state.state for state in seed_states(run)] == ["interrupted", "interrupted", "not started"]
    job.unlink()
    resumed = golf(tmp_path, "resume", "far", "--submit", *far)
    assert resumed.returncode == 0, resumed.stderr
    eventually(lambda: all(state.state == "completed" for state in seed_states(run)), seconds=300)
    assert golf(tmp_path, "ledger", "verify", str(run.path)).returncode == 0
    board = golf(tmp_path, "dashboard", "--address", cluster["dashboard"])
    assert board.stdout.startswith(f"http://{cluster['dashboard']}\n")
    assert board.stdout.count("golf-run-far-") == board.stdout.count("golf-resume-far-") == 1


def test_a_driver_that_cannot_begin_says_why_to_whoever_submitted_it(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    job = cluster_job(tmp_path, tiny_data, "lost", "dgx-spark", "[1]")
    job.write_text(job.read_text().replace(f"path: {tiny_data.folder}", "path: /nowhere/data"))
    far = ["--address", cluster["dashboard"], "--output", str(tmp_path / "there")]
    done = golf(tmp_path, "submit", str(job), *far)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is submitted; waiting until it is at work" in done.stderr
    assert done.stdout.startswith("golf: /nowhere/data: no such data folder")
    resumed = golf(tmp_path, "resume", "nobody", "--submit", *far)
    assert (resumed.returncode, resumed.stderr.count("\n")) == (2, 1)
    assert "nobody: no run of this name" in resumed.stdout
    board = golf(tmp_path, "dashboard", "--address", cluster["dashboard"])
    (driver,) = re.findall(r"FAILED +(golf-run-lost-\S+)", board.stdout)
    shown = golf(tmp_path, "logs", driver, "--address", cluster["dashboard"])
    assert shown.stdout == done.stdout


def test_what_a_cluster_will_not_do_is_one_message(
    cluster: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ["--address", cluster["dashboard"]]
    for words, part in (
        (["status", *far, "--output", "here"], "--output here: with a cluster's dashboard, give a whole path"),
        (["logs", "golf-run-x-20260101T000000-000001", *far], "knows no driver of this name"),
        (["status", "--address", "127.0.0.1:0"], "give host:port of the cluster's head node"),
    ):
        done = golf(tmp_path, *words)
        assert (done.returncode, done.stderr.startswith("golf: ")) == (2, True), done.stderr
        assert part in done.stderr
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    done = golf(tmp_path, "status", *far)
    assert done.returncode == 2
    assert "the cluster does not take this machine's token" in done.stderr


def test_both_addresses_of_a_cluster_are_taken_everywhere(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    job = cluster_job(tmp_path, tiny_data, "both", "dgx-spark", "[1]")
    for address in (cluster["address"], cluster["dashboard"]):
        planned = golf(tmp_path, "plan", str(job), "--address", address)
        assert f"{address}: 1 node of 8x H100" in planned.stdout, planned.stdout + planned.stderr
        shown = golf(tmp_path, "dashboard", "--address", address)
        assert shown.stdout.startswith(f"http://{cluster['dashboard']}\n"), shown.stderr


VERSIONS = """
import json, sys
from ray._raylet import GcsClient
client = GcsClient(address=sys.argv[1])
client.internal_kv_put(b"CLUSTER_METADATA", sys.argv[2].encode(), True, b"cluster")
"""


def test_a_cluster_of_another_version_and_a_wrong_token_are_one_line(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cluster_job(tmp_path, tiny_data, "older", "dgx-spark", "[1]")
    same = {"ray_version": ray.__version__, "python_version": platform.python_version(), "ray_init_cluster": False}
    try:
        tell_versions(cluster["address"], {**same, "ray_version": "2.9.3"})
        done = golf(tmp_path, "plan", str(job), "--address", cluster["address"])
    finally:
        tell_versions(cluster["address"], same)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "the cluster runs Ray 2.9.3 on Python" in done.stderr
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    done = golf(tmp_path, "plan", str(job), "--address", cluster["address"])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "the cluster does not take this machine's token" in done.stderr


def tell_versions(address: str, versions: dict[str, object]) -> None:
    command = [sys.executable, "-c", VERSIONS, address, json.dumps(versions)]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "RAY_AUTH_MODE": "token"})


def test_a_dashboard_where_nobody_answers_is_said_with_the_way_there(tmp_path: Path) -> None:
    done = golf(tmp_path, "status", "--address", "127.0.0.1:1")
    assert done.returncode == 2
    assert "ssh -N -L 8265:127.0.0.1:8265 HEAD" in done.stderr


def test_a_cluster_whose_tasks_cannot_reach_the_driver_is_said_instead_of_waited_for(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    job = cluster_job(tmp_path, tiny_data, "mute", "dgx-spark", "[1]")
    command = [sys.executable, "-m", "tests.fixtures.four_nodes", "without tokens"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        done = golf(tmp_path, "run", str(job), "--address", address)
        process.communicate(timeout=60)
    assert done.returncode == 2
    assert "Either both or neither must use Ray's token authentication (RAY_AUTH_MODE is token here" in done.stderr


OURS = """name: gauged
track: local
hardware: dgx-spark
seeds: [1]
data: {{path: {data.folder}, tokenizer: {data.tokenizer}}}
limits: {{train_seconds: 60, eval_seconds: 60}}
config:
  model: {{vocab_size: {data.vocab_size}, model_dim: 32, num_heads: 2, num_kv_heads: 1, num_layers: 2}}
  schedule: {{kind: wallclock, max_wallclock_seconds: 25, warmup_steps: 0}}
  batch: {{train_batch_tokens: 256, train_seq_len: 16, val_batch_tokens: 512, micro_batches: 1}}
  log: {{train_log_every: 5, val_loss_every: 20}}
"""


def scraped(address: str) -> set[str]:
    """Names of all metrics that the nodes of a cluster export, as Prometheus would read them."""
    program = (
        "import json, ray\n"
        f"ray.init(address={address!r}, log_to_driver=False)\n"
        "print(json.dumps([node['MetricsExportPort'] for node in ray.nodes()]))"
    )
    env = {**os.environ, "RAY_AUTH_MODE": "token"}
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    names: set[str] = set()
    for port in json.loads(told.stdout.splitlines()[-1]):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            names |= set(re.findall(r"^(ray_golf_\w+?){", answer.read().decode(), re.MULTILINE))
    return names


def test_every_metric_of_the_dashboard_is_scraped_from_a_live_run(
    cluster: dict[str, str], tiny_data: DataRequest, tmp_path: Path
) -> None:
    shown = set(re.findall(r"ray_golf_\w+", (ROOT / "deploy" / "grafana" / "golf.json").read_text()))
    assert len(shown) == len(GAUGES)
    (tmp_path / "job.yaml").write_text(OURS.format(data=tiny_data))
    driver = start(tmp_path, "run", "job.yaml", "--address", cluster["address"])
    give_up = time.monotonic() + 120
    found: set[str] = set()
    while driver.poll() is None and not shown <= found:
        found |= scraped(cluster["address"])
        assert time.monotonic() < give_up
    driver.terminate()
    output, _ = driver.communicate(timeout=60)
    assert shown <= found, (shown - found, output)
