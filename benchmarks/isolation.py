"""What isolation costs an attempt and a step, side by side with the same processes left alone.

    python benchmarks/isolation.py [--runs N] [--steps N] [--json FILE]

start: a process that does nothing, from its start to its end, for each layer; an attempt starts two. step: one that
reads a piece of a file, writes a line and an event and calculates a little, as the process itself measures it. Runs
take turns, so that a busy machine disturbs all alike; of each the least and the median are told, and the processor
time, which does not depend on what else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runner.node.isolation.bounds import Bounds
from runner.node.isolation.enter import command_in
from runner.node.isolation.held import trial
from runner.node.isolation.places import SHARED_PLACES, hidden_places, interpreter_places, other_places

LAYERS = {"left alone": None, "landlock": ("uid", "landlock"), "namespaces": ("namespaces",)}
STEP = """
import hashlib, os, sys, time
piece = open("/usr/bin/env", "rb", buffering=0)
steps, took = int(sys.argv[1]), []
for step in range(steps):
    begun = time.perf_counter()
    piece.seek(0); data = piece.read(1 << 14)
    for _ in range(20): hashlib.sha256(data).digest()
    print(f"step:{step}", flush=True)
    with open("events", "a") as events: events.write("event")
    took.append(time.perf_counter() - begun)
print(sorted(took)[len(took) // 2], min(took), file=sys.stderr)
"""


def bounds_in(folder: Path) -> Bounds:
    """As an evaluation has them."""
    return Bounds(
        hide=[str(path) for path in (*hidden_places(folder.parent), *other_places())],
        keep=[str(path) for path in interpreter_places()],
        write=[str(folder)],
        private=[str(path) for path in SHARED_PLACES],
    )


def once(command: list[str], folder: Path) -> tuple[float, float, str]:
    """(seconds, seconds of processors, what it said on stderr)."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    held = trial()
    print(f"this node allows: {held.words}; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    starts: dict[str, list[tuple[float, float]]] = {name: [] for name in LAYERS}
    steps: dict[str, list[tuple[float, float]]] = {name: [] for name in LAYERS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "work"
        folder.mkdir()
        bounds = bounds_in(folder)

        def within(layer: str, command: list[str]) -> list[str]:
            layers = LAYERS[layer]
            return command if layers is None else command_in(command, bounds.but(layers=layers))

        for _ in range(given.runs):
            for layer in LAYERS:
                took, busy, _ = once(within(layer, [sys.executable, "-c", ""]), folder)
                starts[layer].append((took, busy))
        for _ in range(max(1, given.runs // 4)):
            for layer in LAYERS:
                said = once(within(layer, [sys.executable, "-c", STEP, str(given.steps)]), folder)[2]
                median, least = map(float, said.split()[-2:])
                steps[layer].append((median, least))
    alone = starts["left alone"]
    print(f"{'start and end, ms':20} {'least':>8} {'median':>8} {'processor':>10} {'more, an attempt (two)':>24}")
    facts: dict[str, dict[str, float]] = {}
    for layer, runs in starts.items():
        least, median = min(took for took, _ in runs), statistics.median(took for took, _ in runs)
        busy = statistics.median(busy for _, busy in runs)
        more = 2 * (median - statistics.median(took for took, _ in alone))
        facts[layer] = {"least_s": least, "median_s": median, "processor_s": busy, "more_an_attempt_s": more}
        print(f"{layer:20} {1e3 * least:8.1f} {1e3 * median:8.1f} {1e3 * busy:10.1f} {1e3 * more:24.1f}")
    print(f"{'a step, µs':20} {'least':>8} {'median':>8}")
    for layer, pairs in steps.items():
        median, least = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        facts[layer] |= {"step_least_s": least, "step_median_s": median}
        print(f"{layer:20} {1e6 * least:8.1f} {1e6 * median:8.1f}")
    if given.json is not None:
        given.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
