"""Lose a cluster with its head while a run is under way, start another, and go on there with what lies on disk.

    python -m tests.chaos.lose_head

Prints one line of JSON: how the first driver ended and what it said, how long that took, how `golf resume --address
NEW` ended, which attempts there were, and every promise that was broken.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.checks import check_files, check_ledger, check_lives, check_processes, check_record, check_streams
from tests.chaos.cluster import Raylets
from tests.chaos.jobs import FAKE, write_job
from tests.chaos.trial import Run, undisturbed
from tests.fixtures.tiny_data import make_tiny_data

LONGEST_S = 180.0


def main() -> None:
    """Run, lose, resume, look; nothing stays behind, however that ends."""
    with contextlib.ExitStack() as held:
        print(json.dumps(lose(held)))


def lose(held: contextlib.ExitStack) -> dict[str, object]:
    """What came of it; `held` ends the clusters and removes the files."""
    work = Path(tempfile.mkdtemp(prefix="h", dir="/tmp"))
    held.callback(shutil.rmtree, work, ignore_errors=True)
    data = make_tiny_data(work / "data")
    job, output = write_job(FAKE, work, data), work / "out"
    output.mkdir()
    first = Raylets()
    held.callback(first.close)
    with Run(first, job, output, lambda line: None) as run:
        while run.driver.poll() is None and not run.ended(FAKE):
            time.sleep(0.05)
        first.lose_all()
        died = time.monotonic()
        kept = run.ended(FAKE)
        try:
            run.driver.wait(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            run.driver.kill()
        took = time.monotonic() - died
    problems = list(check_processes(first))
    first.close()
    second = Raylets()
    held.callback(second.close)
    reference = undisturbed(second, FAKE, job, work / "usual")
    shutil.rmtree(second.truth)
    second.truth.mkdir()
    assert run.folder is not None
    words = ["resume", run.folder.path.name, "--address", second.address, "--output", str(output)]
    resumed = subprocess.run(
        [sys.executable, "-m", "runner.cli", *words], capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    problems += check_processes(second)
    problems += check_files(output)
    problems += check_ledger(run.folder, FAKE)
    problems += check_streams(run.folder, FAKE)
    problems += check_lives(second.truth)
    problems += check_record(output, reference.content)
    return {
        "driver": run.driver.returncode,
        "took": round(took, 1),
        "told": (output / run.told[0]).read_text(),
        "kept": sorted(kept),
        "resumed": resumed.returncode,
        "resumed_told": resumed.stdout + resumed.stderr,
        "usual": reference.code,
        "attempts": {seed: len(run.folder.attempts(seed)) for seed in FAKE.seeds},
        "problems": problems,
    }


if __name__ == "__main__":
    main()
