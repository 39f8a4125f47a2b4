"""The Slurm template, run by bash with a scontrol and a srun of our own: what it starts where, and how it ends.

Slurm itself is nowhere here. In the slow test Ray, golf and the script are the real ones, on two raylets of this
machine that stand for two nodes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.job.open_data import DataRequest
from runner.results.record import RecordData
from tests.fixtures.foreign_script import write_foreign
from tests.fixtures.places import ROOT

TEMPLATE = ROOT / "deploy" / "slurm" / "golf.sbatch"
SCONTROL = 'printf "%s\\n" node1 node2 | head -n "${NODES:-2}"'
SRUN = """
options=
while [ "${1#--}" != "$1" ]; do options="$options $1"; shift; done
echo "srun$options: $*" >> "$TOLD"
exec "$@"
"""
RAY = """
trap 'echo "ray ended" >> "$TOLD"; kill $! 2> /dev/null; exit 0' TERM
[ -z "$RAYFAILS" ] || exit 1
echo "ray $*" >> "$TOLD"
sleep 60 > /dev/null 2>&1 & wait
"""
PYTHON = """
case "$*" in
  *get_node_ip_address*) echo 10.0.0.7;;
  *token_hex*) echo secret;;
  *)
    echo "waits for $3" >> "$TOLD"
    until [ "$(grep -c '^ray start' "$TOLD")" -ge "$3" ]; do sleep 0.02; done
    exit "${JOINS:-0}";;
esac
"""
GOLF = """
echo "golf $*" >> "$TOLD"
trap 'echo "golf was told to stop" >> "$TOLD"; kill $! 2> /dev/null; exit 130' TERM
[ -z "$LASTS" ] || { touch "$TOLD.begun"; sleep 60 > /dev/null 2>&1 & wait; }
exit "${CODE:-0}"
"""


def put(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text.strip()}\n")
    (folder / name).chmod(0o755)


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    """What Slurm would set, and where the script finds things."""
    (folder / "home").mkdir(exist_ok=True)
    (folder / "told").touch()
    return {
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "GOLF_BIN": str(folder / "bin"),
        "GOLF_RAY_TMPDIR": str(folder / "ray"),
        "TOLD": str(folder / "told"),
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_SUBMIT_DIR": str(folder / "work"),
        "SLURM_CPUS_PER_TASK": "4",
        **more,
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with everything that the template calls, none of it real."""
    for name, text in (("scontrol", SCONTROL), ("srun", SRUN), ("ray", RAY), ("python", PYTHON), ("golf", GOLF)):
        put(tmp_path / "bin", name, text)
    return tmp_path


def submitted(place: Path, *words: str, **more: str) -> tuple[int, list[str], str]:
    """Exit code, what was called in its order, and what was said."""
    command = ["bash", str(TEMPLATE), *words]
    done = subprocess.run(
        command, env=surroundings(place, **more), capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, (place / "told").read_text().splitlines(), done.stderr


def test_ray_is_started_on_the_first_node_then_on_the_others_and_golf_beside_the_first(place: Path) -> None:
    code, told, _ = submitted(place, "job.yaml", "--seeds", "1,2")
    assert code == 0
    shape = "srun --nodes=1 --ntasks=1 --ntasks-per-node=1 --overlap"
    first, others = (line for line in told if line.startswith("srun"))
    assert first.startswith(f"{shape} --nodelist=node1: bash -c")
    assert others.startswith(f"{shape} --exclude=node1: bash -c")
    calls = [line for line in told if line.startswith(("waits", "golf "))]
    assert calls == [
        "waits for 1",
        "waits for 2",
        f"golf run job.yaml --seeds 1,2 --address 10.0.0.7:24711 --output {place / 'work'}",
    ]
    assert told.index(others) > told.index("waits for 1")
    head, worker = (line for line in told if line.startswith("ray start"))
    common = "ray start --block --num-cpus=4"
    assert head == (
        f"{common} --head --node-ip-address=10.0.0.7 --port=24711 --dashboard-host=127.0.0.1 "
        "--dashboard-agent-listen-port=34711"
    )
    assert worker == f"{common} --address=10.0.0.7:24711"
    assert told.count("ray ended") == 2


def test_one_node_has_no_workers(place: Path) -> None:
    code, told, _ = submitted(place, "job.yaml", NODES="1")
    assert code == 0
    assert len([line for line in told if line.startswith("srun")]) == 1


@pytest.mark.parametrize("code", [1, 2, 3])
def test_the_job_ends_as_golf_does_and_takes_ray_with_it(place: Path, code: int) -> None:
    ended, told, _ = submitted(place, "job.yaml", CODE=str(code))
    assert ended == code
    assert told.count("ray ended") == 2


def test_nodes_that_do_not_join_end_the_job_before_golf(place: Path) -> None:
    code, told, _ = submitted(place, "job.yaml", JOINS="1")
    assert code == 1
    assert [line for line in told if line.startswith("golf")] == []
    assert told.count("ray ended") == 1


def test_a_ray_that_ends_at_once_is_not_waited_for(place: Path) -> None:
    begun = time.monotonic()
    code, told, said = submitted(place, "job.yaml", RAYFAILS="1")
    assert code == 1
    assert "Ray has ended on a node" in said
    assert [line for line in told if line.startswith("golf")] == []
    assert time.monotonic() - begun < 20


def test_slurms_signal_reaches_golf_which_stops_cleanly(place: Path) -> None:
    command = ["bash", str(TEMPLATE), "job.yaml"]
    with subprocess.Popen(command, env=surroundings(place, LASTS="1"), start_new_session=True) as running:
        until = time.monotonic() + 30
        while not (place / "told.begun").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 130
    told = (place / "told").read_text().splitlines()
    assert "golf was told to stop" in told
    assert told.count("ray ended") == 2


def test_the_token_is_made_once_for_its_owner_alone(place: Path) -> None:
    submitted(place, "job.yaml")
    token = place / "home" / ".ray" / "auth_token"
    assert token.read_text() == "secret\n"
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.parent.stat().st_mode & 0o777 == 0o700
    token.write_text("mine")
    submitted(place, "job.yaml")
    assert token.read_text() == "mine"


def test_without_slurm_or_a_job_it_says_what_to_do(place: Path) -> None:
    code, told, said = submitted(place)
    assert (code, told) == (1, [])
    assert "sbatch golf.sbatch JOB" in said
    bare = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", str(TEMPLATE), "job.yaml"], env=bare, capture_output=True, text=True, check=False)
    assert "submit this with sbatch" in done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not here")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", str(TEMPLATE)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.slow
def test_two_nodes_run_a_job_to_its_record(tmp_path: Path, tiny_data: DataRequest) -> None:
    bins = Path(sys.executable).parent
    put(tmp_path / "bin", "scontrol", SCONTROL)
    put(tmp_path / "bin", "srun", SRUN)
    put(tmp_path / "bin", "golf", f'exec {sys.executable} -m runner.cli "$@"')
    put(tmp_path / "bin", "python", f'exec {sys.executable} "$@"')
    # Two raylets of one machine cannot listen on the same port.
    put(tmp_path / "bin", "ray", f'case "$*" in *--head*) ;; *) set -- "$@" --dashboard-agent-listen-port=0;; esac\n'
        f'exec {bins / "ray"} "$@"')  # fmt: skip
    work = tmp_path / "work"
    work.mkdir()
    write_foreign(work)
    (work / "job.yaml").write_text(f"""
name: theirs
track: local
hardware: cpu
seeds: [1, 2]
script: their_train.py
launch: python
data: {{path: {tiny_data.folder}, tokenizer: {tiny_data.tokenizer}}}
limits: {{train_seconds: 60, eval_seconds: 60}}
""")
    job = str(20_000 + os.getpid() % 9_000)
    around = {
        **surroundings(tmp_path),
        "PYTHONPATH": str(ROOT),
        "SLURM_JOB_ID": job,
        "GOLF_RAY_TMPDIR": f"/tmp/golf-slurm-test-{job}",
    }
    command = ["bash", str(TEMPLATE), str(work / "job.yaml")]
    try:
        done = subprocess.run(command, env=around, cwd=work, capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode in (0, 3), done.stdout + done.stderr
        (results,) = work.glob("*/local/*/results.json")
        data = RecordData.model_validate_json(results.read_bytes())
        assert [(result.seed, result.status) for result in data.results] == [(1, "completed"), (2, "completed")]
    finally:
        shutil.rmtree(f"/tmp/golf-slurm-test-{job}", ignore_errors=True)
