"""How does the driver bear a thousand seeds? What a seed costs it as seeds, streams, nodes and waiting jobs grow.

    python benchmarks/scheduler.py [--quick] [--no-ray | --only-ray] [--seeds N] [--raylets N] [--live N,N]
                                   [--driver N,N] [--json FILE]

What is measured is the real driver: walk, ledger, collectors, progress, the queue, on Ray its backend, node checks
and the shared queue's actor as well. What is not real is the attempts, which only talk (scheduler_fake.py), for a
thousand training processes would measure this machine. Each row is a process of its own; CPU seconds are that
process's, and the ratios (`x`) are to the first row of the same table. The parts without Ray come first; their ratios
are of CPU outside the kernel, for what a new file costs inside it doubles with the state of the file system.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fixtures.tiny_data import make_tiny_data

Row = dict[str, float]
NODES = 200
"""Of the cluster for which the queue is measured."""


def part(name: str, **options: Any) -> list[Row]:
    """Run one part in a process of its own; the rows that it measured."""
    command = [sys.executable, str(Path(__file__)), "--part", name, "--options", json.dumps(options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows: list[Row] = json.loads(done.stdout.splitlines()[-1])
    return rows


def run_part(name: str, options: dict[str, Any]) -> list[Row]:
    """What the process of a part does."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if name == "turns":
            from benchmarks.scheduler_driver import turns

            return [turns(**options)]
        data = make_tiny_data(folder / "data")
        if name == "drive":
            from benchmarks.scheduler_driver import drive, look

            then_look = options.pop("look", False)
            rows = [drive(folder / "out", data, **options)]
            return [*rows, look(folder / "out", data, options["seeds"])] if then_look else rows
        from benchmarks.scheduler_cluster import seeds_part, streams_part

        measure = seeds_part if name == "seeds" else streams_part
        return [measure(folder / "out", data, **options)]


def show(title: str, rows: Sequence[Row], columns: dict[str, str], ratio: str = "") -> None:
    """A table of some of the figures; ratio: the column that is also shown against the first row's."""
    print(f"\n{title}")
    heads = [*columns.values(), *(["x"] if ratio else [])]
    lines = [
        [*(_number(row[name]) for name in columns), *([f"{row[ratio] / rows[0][ratio]:.2f}"] if ratio else [])]
        for row in rows
    ]
    widths = [max(len(line[place]) for line in [heads, *lines]) for place in range(len(heads))]
    for line in [heads, *lines]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _number(value: float) -> str:
    if value == int(value) and abs(value) >= 1:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


DRIVE = {
    "seeds": "seeds",
    "live": "live",
    "messages": "messages",
    "cpu_ms_per_seed": "CPU ms/seed",
    "ours_ms_per_seed": "outside the kernel",
    "ours_us_per_message": "us/message",
    "first_start_s": "first start s",
    "kib_per_seed": "KiB/seed",
    "peak_mib": "peak MiB",
    "files": "open files",
    "ledger_kib": "ledger KiB",
}
LOOK = {
    "seeds": "seeds",
    "ledger_s": "ledger s",
    "status_s": "golf status s",
    "resume_s": "resume s",
    "assess_s": "assess s",
    "record_s": "record s",
    "summary_s": "summary s",
    "readme_kib": "README KiB",
    "append_wall_ms": "append ms",
    "peak_mib": "peak MiB",
}
TURNS = {
    "nodes": "nodes",
    "drivers": "drivers",
    "waiting": "waiting seeds",
    "fill_ms_per_ask": "filling ms/ask",
    "full_ms_per_ask": "full ms/ask",
    "moving_ms_per_ask": "one freed ms/ask",
}
SEEDS = {
    "raylets": "raylets",
    "seeds": "seeds",
    "started_per_s": "started/s",
    "cpu_ms_per_seed": "CPU ms/seed",
    "cpu_share": "of a core",
    "kib_per_seed": "KiB/seed",
    "peak_mib": "peak MiB",
    "asks_per_seed": "asks/seed",
    "ms_per_ask": "ms/ask",
}
STREAMS = {
    "live": "live streams",
    "messages": "messages",
    "messages_per_s": "messages/s",
    "cpu_us_per_message": "us/message",
    "cpu_share": "of a core",
    "peak_mib": "peak MiB",
}


def driver_tables(sizes: Sequence[int], lives: Sequence[int]) -> dict[str, list[Row]]:
    """The parts without Ray."""
    live = [part("drive", seeds=sizes[0], live=each)[0] for each in lives]
    show("driving, by number of live streams", live, DRIVE, "ours_us_per_message")
    plain, drawn = (part("drive", seeds=sizes[0], live=NODES, screen=screen)[0] for screen in ("", "terminal"))
    show("plain lines, and drawing on a terminal", [plain, drawn], DRIVE, "ours_ms_per_seed")
    seeds, more = 50, 2000
    quiet, lines, beats = (
        part("drive", seeds=seeds, live=seeds, lines=lines, beats=beats)[0]
        for lines, beats in ((20, 5), (20 + more, 5), (20, 5 + more))
    )
    costs: list[Row] = [
        {
            "a log line, us": (lines["cpu_s"] - quiet["cpu_s"]) / seeds / more * 1e6,
            "a heartbeat, us": (beats["cpu_s"] - quiet["cpu_s"]) / seeds / more * 1e6,
        }
    ]
    show("what one more message costs the driver", costs, {name: name for name in costs[0]})
    queue = [
        part("turns", nodes=nodes, drivers=drivers, waiting=waiting)[0]
        for nodes, drivers, waiting in ((25, 6, 50), (NODES, 50, 20), (NODES, 50, 400))
    ]
    show("the queue of a cluster, CPU milliseconds", queue, TURNS)
    pairs = [part("drive", seeds=seeds, live=NODES, look=True) for seeds in sizes]
    driven, looked = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    show("driving, by number of seeds", driven, DRIVE, "ours_ms_per_seed")
    show("looking at a finished run, CPU seconds", looked, LOOK)
    return {"drive": driven, "look": looked, "live": live, "screen": [plain, drawn], "cost": costs, "turns": queue}


def cluster_tables(raylets: int, seeds: int, lives: Sequence[int]) -> dict[str, list[Row]]:
    """The parts on a cluster of make-believe nodes."""
    command = [sys.executable, "-m", "benchmarks.scheduler_nodes", str(raylets)]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as cluster:
        assert cluster.stdout is not None
        told = json.loads(cluster.stdout.readline())
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": told["token"]}
        address = told["address"]
        few = max(4 * raylets, seeds // 10)
        part("seeds", address=address, seeds=raylets)  # starts the workers, and does not count
        driven = [part("seeds", address=address, seeds=number)[0] for number in (few, seeds)]
        show(f"seeds on {raylets} raylets, each alone on its node, checked before", driven, SEEDS, "cpu_ms_per_seed")
        talk = {"address": address, "lines": 0, "beats": 15, "seconds": 30.0}
        beating = [part("streams", live=live, **talk)[0] for live in lives]
        show("live streams that say a word a second", beating, STREAMS, "cpu_us_per_message")
        cluster.communicate(timeout=120)
    return {"seeds": driven, "streams": beating}


def numbers(text: str) -> list[int]:
    """`1000,5000` as numbers."""
    return [int(word) for word in text.split(",")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about two minutes: fewer of everything")
    parser.add_argument("--no-ray", action="store_true", help="only the parts that need no cluster")
    parser.add_argument("--only-ray", action="store_true", help="only the parts on a cluster")
    parser.add_argument("--seeds", type=int, help="seeds on the cluster (1000; quick: 100)")
    parser.add_argument("--raylets", type=int, help="raylets of the cluster (8; quick: 2)")
    parser.add_argument("--live", type=numbers, help="numbers of live streams (8,64,256,1000; quick: 8,64)")
    parser.add_argument("--driver", type=numbers, help="seeds of the driver alone (1000,5000,20000; quick: 300,1500)")
    parser.add_argument("--json", type=Path, help="where every figure goes")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(run_part(asked.part, asked.options)))
        return
    quick = asked.quick
    lives = asked.live or ([8, 64] if quick else [8, 64, 256, 1000])
    about = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs",
        "load": [round(load, 1) for load in os.getloadavg()],
        "versions": {"python": platform.python_version(), "ray": importlib.metadata.version("ray")},
    }
    print(f"{about['machine']}, load {about['load']}, {about['versions']}")
    found: dict[str, list[Row]] = {}
    if not asked.only_ray:
        found |= driver_tables(asked.driver or ([300, 1500] if quick else [1000, 5000, 20000]), lives)
    if not asked.no_ray:
        raylets = asked.raylets or (2 if quick else 8)
        found |= cluster_tables(raylets, asked.seeds or (100 if quick else 1000), lives)
    if asked.json:
        asked.json.write_text(json.dumps({**about, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
