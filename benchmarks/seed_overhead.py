"""What does a seed cost under golf beyond the same seed under bare torchrun, from the shell's prompt to the prompt?

    python benchmarks/seed_overhead.py [--rounds N] [--steps N] [--ways bare,local,ray,cluster] [--json FILE]

bare: `torchrun --standalone --nproc_per_node=1 train_gpt.py`, the quickstart's script by steps: trained, packed,
loaded back and scored in one process. local: `golf run --local` of one seed of the same script, to its record; so it
has all that a run does once, too, and scores a second time, in a fresh process, whose part is told apart. ray: the
same without `--local`, the start of Ray included. cluster: the same on a Ray that stands already. Each round takes
every way once, in turn; the first warms up and does not count. CPU seconds are those of all processes that a way
leaves behind it, daemons and grandchildren too: on a machine that others use they say more than the clock. Of a
cluster's processes nothing is known, since they live on.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runner.job.load import job_from_mapping
from runner.job.open_data import open_requested
from runner.plan.plan import data_request
from runner.script.bundle import script_of

ROOT = Path(__file__).resolve().parents[1]
PR_SET_CHILD_SUBREAPER = 36
SEED = 1337
PORT = 6399
"""Of the Ray that stands already; outside the range that its workers take."""


def small_job(steps: int) -> dict[str, Any]:
    """The quickstart, by steps, so that every way does the same work; nothing that it has to beat."""
    job: dict[str, Any] = yaml.safe_load((ROOT / "jobs" / "quickstart.yaml").read_text())
    job["config"]["schedule"] = {
        "kind": "steps",
        "iterations": steps,
        "warmdown_iters": steps // 2,
        "warmup_steps": 3,
    }
    job |= {"name": "seed_overhead", "hardware": "cpu", "seeds": [SEED]}
    job["config"]["runtime"]["compile"] = "off"  # which YAML takes for a truth value
    del job["must_beat"], job["blurb"]
    return job


def timed(command: list[str], folder: Path, env: dict[str, str]) -> dict[str, float]:
    """Seconds by the clock until a command ends, and of CPU of all processes that came of it."""
    others = {child.pid for child in psutil.Process().children()}
    begun = time.monotonic()
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT)
        cpu = wall = 0.0
        while {child.pid for child in psutil.Process().children()} - others:
            pid, status, usage = os.wait4(-1, 0)  # orphans come to us: see PR_SET_CHILD_SUBREAPER
            cpu += usage.ru_utime + usage.ru_stime
            if pid == process.pid:
                wall, process.returncode = time.monotonic() - begun, os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise SystemExit(
            f"{' '.join(command)}: exit code {process.returncode}\n{(folder / 'output.txt').read_text()}"
        )
    return {"wall_s": wall, "cpu_s": cpu}


def bare(script: bytes, variables: dict[str, str], scratch: Path) -> dict[str, float]:
    """The script as the challenge starts it."""
    (scratch / "train_gpt.py").write_bytes(script)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1", "train_gpt.py"]
    return timed(command, scratch, {**os.environ, **variables})


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def standing_ray() -> Iterator[str]:
    """The address of a Ray of two CPUs, which takes jobs when it is told and ends at the end."""
    words = [
        "--head",
        "--block",
        f"--port={PORT}",
        "--num-cpus=2",
        "--include-dashboard=false",
        "--disable-usage-stats",
    ]
    with tempfile.TemporaryDirectory(prefix="r") as folder:
        command = [str(Path(sys.executable).with_name("ray")), "start", *words, f"--temp-dir={folder}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
            while not answers(PORT):
                if head.poll() is not None:
                    raise SystemExit(f"no Ray on port {PORT}: `{' '.join(command)}` ended")
                time.sleep(0.2)
            yield f"127.0.0.1:{PORT}"
            head.terminate()


def under_golf(job: dict[str, Any], scratch: Path, more: list[str]) -> dict[str, float]:
    """`golf run` of one seed, and the parts of its two processes by the referee's clock."""
    (scratch / "job.yaml").write_text(yaml.safe_dump(job))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = timed([sys.executable, "-m", "runner.cli", "run", "job.yaml", *more], scratch, env)
    (result,) = scratch.glob("runs/*/seeds/*/attempt-1/result.json")
    phases = json.loads(result.read_text())
    return found | {f"{name}_process_s": phases[name]["wall_seconds"] for name in ("train", "eval")}


def table(taken: dict[str, list[dict[str, float]]]) -> str:
    """Medians, and what they are over bare."""
    middle = {
        way: {name: statistics.median(one[name] for one in some) for name in some[0]} for way, some in taken.items()
    }
    lines = [
        "| way | seconds | over bare | CPU seconds | over bare | fresh process, seconds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way, one in middle.items():
        wall, cpu = (one[name] - middle["bare"][name] for name in ("wall_s", "cpu_s"))
        over = ["", ""] if way == "bare" else [f"{wall:.1f}", f"{cpu:.1f}"]
        used = f"{one['cpu_s']:.1f}"
        if way == "cluster":
            used = over[1] = "unknown"
        fresh = f"{one['eval_process_s']:.1f}" if "eval_process_s" in one else ""
        lines.append(f"| {way} | {one['wall_s']:.1f} | {over[0]} | {used} | {over[1]} | {fresh} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--ways", default="bare,local,ray")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with standing_ray() if "cluster" in asked.ways.split(",") else nullcontext("") as address:
        measure(asked, address)


def measure(asked: argparse.Namespace, address: str) -> None:
    """Take every way in turn; address: of a Ray that stands already."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    job = small_job(asked.steps)
    spec = job_from_mapping(job, source="seed_overhead")
    script, data = script_of(spec).source, open_requested(data_request(spec))
    variables = {
        "DATA_PATH": str(data.folder),
        "TOKENIZER_PATH": str(data.tokenizer),
        "SEED": str(SEED),
        "OMP_NUM_THREADS": "1",
    }
    ways = {
        "bare": lambda scratch: bare(script, variables, scratch),
        "local": lambda scratch: under_golf(job, scratch, ["--local"]),
        "ray": lambda scratch: under_golf(job, scratch, []),
        "cluster": lambda scratch: under_golf(job, scratch, ["--address", address]),
    }
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in asked.ways.split(",")}
    for number in range(asked.rounds + 1):
        for way, some in taken.items():
            with tempfile.TemporaryDirectory() as scratch:
                found = ways[way](Path(scratch))
            if number:
                some.append(found)
    about = {
        "machine": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "date": time.strftime("%Y-%m-%d"),
        "steps": asked.steps,
    }
    print(table(taken))
    if asked.json:
        asked.json.write_text(json.dumps({"about": about, "rounds": taken}, indent=2) + "\n")


if __name__ == "__main__":
    main()
