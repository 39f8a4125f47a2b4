"""What a sweep costs a trial beside its run: trials of a sweep against the same jobs by `golf run`, one by one.

    python -m benchmarks.sweep [--trials N] [--rounds N]

A trial is a script without torch, so that what is measured is golf and not the training. Two figures: wall-clock of
whole commands, taken in turn, so that a busy machine is so for both; and, inside the sweep, the time between one
trial's end on its node and the next one's begin, which is all that a sweep adds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from tests.fixtures.sweep_script import write_sweep
from tests.fixtures.tiny_data import make_tiny_data


def golf(folder: Path, *words: str) -> float:
    """Wall seconds of a command."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "runner.cli", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 3):
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - begun


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    plain: list[float] = []
    swept: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = make_tiny_data(folder / "data")
        space, budget = "{env.RATE: {log: [0.0001, 1.0]}}", f"budget: {{trials: {asked.trials}}}\n"
        for number in range(asked.rounds):
            name = f"round{number}"
            path = write_sweep(folder, data, space, budget, name=name)
            for trial in range(asked.trials):
                job = folder / f"{name}-{trial}.yaml"
                job.write_text((folder / "job.yaml").read_text().replace("name: theirs", f"name: {name}-{trial}"))
                plain.append(golf(folder, "run", str(job), "--local", "--seeds", str(trial + 1)))
            swept.append(golf(folder, "sweep", str(path), "--local") / asked.trials)
        gaps = list(between(folder))
    mean = sum(plain) / len(plain)
    print(f"golf run, a job:           {mean:.2f} s ({', '.join(f'{one:.2f}' for one in plain)})")
    print(f"golf sweep, a trial:       {sum(swept) / len(swept):.2f} s ({', '.join(f'{one:.2f}' for one in swept)})")
    print(f"between two trials:        {sum(gaps) / len(gaps):.2f} s ({', '.join(f'{one:.2f}' for one in gaps)})")
    print(f"a sweep adds to each trial {sum(swept) / len(swept) - mean:+.2f} s; asked for: less than 1 s")
    sys.exit(0 if sum(swept) / len(swept) - mean < 1 else 1)


def between(folder: Path) -> list[float]:
    """Seconds from a trial's result on disk to the next trial's job on disk."""
    found = []
    for sweep in (folder / "sweeps").glob("*"):
        jobs = sorted((sweep / "trials").glob("*.json"))
        for before, after in pairwise(jobs):
            (result,) = sweep.glob(f"runs/{before.stem}-*/seeds/1/attempt-1/result.json")
            found.append(after.stat().st_mtime - result.stat().st_mtime)
    return found


if __name__ == "__main__":
    main()
