"""How long `golf verify` takes for records of many seeds: 100, 300 and 1,000, side by side.

    python benchmarks/verify.py [SEEDS ...]

Each record is made by the driver itself from fake seeds (benchmarks.scheduler_fake), with log lines, ledger and pages
as real ones have. Prints seconds of opening, of the referee's answers, and of the pages, and CPU milliseconds a seed:
a verification that is linear in seeds has the same in every row. The fake seeds' lines say nothing of a
configuration, so some answers are fail; every question is asked all the same.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import io  # noqa: E402

from rich.console import Console  # noqa: E402

from benchmarks.scheduler_driver import Counted  # noqa: E402
from benchmarks.scheduler_fake import fake_of, fake_plan, fake_script  # noqa: E402
from reports.record.rebuild import page_check  # noqa: E402
from reports.record.write import RecordFiles, write_record  # noqa: E402
from reports.terminal.verify import answers  # noqa: E402
from runner.backends.nodes import Node  # noqa: E402
from runner.drive.run import run_plan  # noqa: E402
from runner.job.open_data import DataRequest  # noqa: E402
from runner.record.folder import open_record  # noqa: E402
from runner.record.verify import verify_record  # noqa: E402
from tests.fixtures.tiny_data import make_tiny_data  # noqa: E402

LINES = 60
"""Of a seed's training log; 1,000 seeds of a short job have as many."""


def made(folder: Path, data: DataRequest, seeds: int) -> Path:
    """A record of so many seeds."""
    plan, script = fake_plan(data, seeds, [Node(2, 0)]), fake_script()
    console = Console(file=io.StringIO(), width=120)
    done = run_plan(plan, script, folder, console, lambda _: Counted(fake_of(plan, LINES, 0), 8))
    files = RecordFiles(
        script=script.source,
        flat_script=script.flat or None,
        logs=done.logs,
        ledger=done.folder.ledger,
        tokenizer=done.tokenizer,
    )
    return write_record(done.data, files, folder)


def timed(folder: Path) -> tuple[float, float, float, float, int]:
    """Seconds of opening, of the referee's answers, of pages and screen; of this process's CPU; how many answers."""
    cpu, begun = time.process_time(), time.perf_counter()
    record = open_record(folder)
    opened = time.perf_counter()
    checks = verify_record(record)
    asked = time.perf_counter()
    checks.append(page_check(folder, record.data))
    Console(file=io.StringIO(), width=100).print(answers(checks, "fine"))
    ended = time.perf_counter() - asked
    return opened - begun, asked - opened, ended, time.process_time() - cpu, len(checks)


def main() -> None:
    """Make and verify each, and print a row."""
    wanted = [int(word) for word in sys.argv[1:]] or [100, 300, 1_000]
    heads = ("open s", "answers s", "pages s", "all s", "CPU s", "CPU ms/seed", "answers")
    print(f"{'seeds':>6}", *(f"{head:>11}" for head in heads))
    with tempfile.TemporaryDirectory() as work:
        os.environ.setdefault("GOLF_CACHE", str(Path(work) / "cache"))
        data = make_tiny_data(Path(work) / "data")
        for seeds in wanted:
            opened, asked, pages, cpu, count = timed(made(Path(work) / str(seeds), data, seeds))
            figures = (opened, asked, pages, opened + asked + pages, cpu, cpu / seeds * 1e3)
            print(f"{seeds:>6,}", *(f"{figure:>11.2f}" for figure in figures), f"{count:>11,}", flush=True)


if __name__ == "__main__":
    main()
