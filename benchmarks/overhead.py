"""How much later does a script's first line come under golf than under bare torchrun, and how late do lines arrive?

    python benchmarks/overhead.py [--rounds N] [--json FILE]

bare: `torchrun --standalone --nproc_per_node=1` from the shell. local: an attempt in this process. ray: an attempt on
a Ray session that is up, its node checked before it as in a run, from the moment it is queued. Each round times every
way once, in turn; the first round warms up and does not count. The last table is the time from when a line is written
to when the driver holds it, of lines a tenth of a second apart.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runner.backends.cluster import LocalQueue, connect
from runner.backends.nodes import Need
from runner.backends.ray_backend import RayBackend
from runner.backends.ray_environment import prepare_environment
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest, open_requested
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import LogChunk, Message
from runner.node.node_check import CheckOrder
from tests.fixtures.tiny_data import make_tiny_data

ROUNDS = 5
LINES = 40
FIRST = b"print('first', flush=True)\n"
STAMPS = f"import time\nfor _ in range({LINES}):\n    print(time.time(), flush=True)\n    time.sleep(0.1)\n".encode()


def order(script: bytes, attempt: int) -> AttemptSpec:
    """An attempt that prints and ends, which is a failure of its own and of no interest here."""
    return AttemptSpec(
        job="overhead",
        seed=1,
        attempt=attempt,
        script=script,
        artifact_name="none",
        hardware="cpu",
        nproc=1,
        gpus=0,
        threads=1,
        train_seconds=60,
        eval_seconds=60,
        stall_seconds=0,
    )


def bare() -> float:
    """Seconds from starting torchrun to the script's first line."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train_gpt.py").write_bytes(FIRST)
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node=1",
            "train_gpt.py",
        ]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        begun = time.monotonic()
        with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            return time.monotonic() - begun


def first_line(messages: Iterator[Message], begun: float) -> float:
    """Seconds to the first byte of the log; the rest is heard out."""
    first = 0.0
    for message in messages:
        if isinstance(message, LogChunk) and not first:
            first = time.monotonic() - begun
    return first


def local(data: DataRequest, script: bytes = FIRST) -> Iterator[Message]:
    """The attempt in this process."""
    yield from run_attempt(order(script, 1), partial(open_requested, data))


def through_ray(data: DataRequest, number: int, script: bytes = FIRST) -> Iterator[Message]:
    """The attempt on the Ray session, its node checked before."""
    check = CheckOrder(PROFILES["cpu"], 0, 1, False, ("torch",))
    backend = RayBackend(data, Need(PROFILES["cpu"], 1, 0), 1, LocalQueue(), check=check)
    backend.submit(order(script, number))
    for _, message in backend.messages():
        if not hasattr(message, "final"):
            yield message


def delays(messages: Iterator[Message]) -> list[float]:
    """Seconds from when each line was written to when it came here, by one clock."""
    found: list[float] = []
    for message in messages:
        if isinstance(message, LogChunk):
            now = time.time()
            for line in message.data.split(b"\n"):
                try:
                    found.append(now - float(line))
                except ValueError:
                    continue
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    prepare_environment(None)
    connect(None, cpus=2)
    with tempfile.TemporaryDirectory() as folder:
        data = make_tiny_data(Path(folder) / "data")
        taken: dict[str, list[float]] = {"bare": [], "local": [], "ray": []}
        for number in range(asked.rounds + 1):
            ways: dict[str, Callable[[], float]] = {
                "bare": bare,
                "local": lambda: first_line(local(data), time.monotonic()),
                "ray": lambda number=number: first_line(through_ray(data, number), time.monotonic()),  # type: ignore[misc]
            }
            for way, measure in ways.items():
                seconds = measure()
                if number:
                    taken[way].append(seconds)
        late = {"local": delays(local(data, STAMPS)), "ray": delays(through_ray(data, 99, STAMPS))}
    medians = {way: statistics.median(seconds) for way, seconds in taken.items()}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, {asked.rounds} rounds")
    print(f"{'way':<8}{'first line s':>14}{'over bare s':>14}{'ratio':>8}")
    for way, seconds in medians.items():
        print(f"{way:<8}{seconds:>14.2f}{seconds - medians['bare']:>14.2f}{seconds / medians['bare']:>8.2f}")
    print(f"\n{'way':<8}{'lines':>8}{'median delay s':>16}{'longest s':>12}")
    for way, seconds_late in late.items():
        print(f"{way:<8}{len(seconds_late):>8}{statistics.median(seconds_late):>16.3f}{max(seconds_late):>12.3f}")
    if asked.json:
        asked.json.write_text(json.dumps({"first_line": taken, "delays": late}, indent=2) + "\n")


if __name__ == "__main__":
    main()
