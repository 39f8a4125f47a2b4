"""How fast are tables of many records? `golf report` on generated record folders, in every format.

    python benchmarks/tables.py [--records N] [--json FILE]

The folders are written as `golf run` writes them, three seeds each with scores of their own. Each format is timed as
the whole command in a process of its own, start of Python included: wall and processor seconds, which differ where
the machine has other work. Beside it what only reading the bytes of all results.json takes, and what starting the
command takes (`golf --help`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reports.record.write import RecordFiles, write_record
from runner.record.files import RESULTS
from runner.record.find import find_record_folders
from tests.fixtures.results import SCRIPT, record, run_result, score

FORMATS = ("md", "html", "csv", "parquet")
SEEDS = (1337, 42, 2024)


def make_records(root: Path, count: int) -> None:
    """Write `count` record folders."""
    generator = random.Random(20)
    for number in range(count):
        results = [run_result(seed, final_score=score(generator.uniform(3.6, 3.8))) for seed in SEEDS]
        data = record(results, name=f"job{number:04d}", run=f"job{number:04d}-{number:08x}")
        write_record(data, RecordFiles(script=SCRIPT), root)


def golf(*words: str) -> tuple[float, float]:
    """Wall and processor seconds of one command; its output goes nowhere."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "runner.cli", *words]
    home = Path(__file__).resolve().parents[1]
    subprocess.run(command, cwd=home, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return round(time.perf_counter() - start, 2), round(used, 2)


def main() -> None:
    """Generate, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_records(root / "all", options.records)
        folders = find_record_folders([root / "all"])
        start = time.perf_counter()
        size = sum(len((folder / RESULTS).read_bytes()) for folder in folders)
        bytes_only = time.perf_counter() - start
        found: dict[str, object] = {
            "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
            "records": len(folders),
            "megabytes": round(size / 1e6, 1),
            "bytes_only_s": round(bytes_only, 3),
            "load_average": round(os.getloadavg()[0], 1),
            "golf_help_s": golf("--help"),
        }
        for name in FORMATS:
            found[f"{name}_s"] = golf("report", str(root / "all"), "--output", str(root / f"t.{name}"))
            found[f"{name}_kB"] = round((root / f"t.{name}").stat().st_size / 1000)
    for name, value in found.items():
        print(f"{name:14} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
