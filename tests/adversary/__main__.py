"""Attack everything that reads what others wrote: attacks by hand, then files spoiled at random.

    python -m tests.adversary [--count N] [--seed N] [--workers N] [--only KIND ...]

Prints what went wrong with each file, by its kind and number, and a table: how often golf refused, told, or took what
it read, and how often it raised, hung, took too much memory, or took what it must not. Exit code 1 where one of the
last four is not nought.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.adversary.attacks import ATTACKS
from tests.adversary.bounded import WRONG, Outcome, Worker
from tests.adversary.subjects import CASES, MOST_SECONDS, make_world

ANSWERS = ("refused", "told", "taken", "right")


def attempts(count: int, seed: int, only: Sequence[str]) -> list[tuple[str, int]]:
    """(kind, number) of every file: all attacks by hand, then `count` shared out evenly among the kinds."""
    kinds = [kind for kind in CASES if not only or kind in only]
    drawn = [(kinds[index % len(kinds)], seed + index // len(kinds)) for index in range(count)] if kinds else []
    return [(kind, 0) for kind in ATTACKS if not only or kind in only] + drawn


def run(base: Path, asked: Sequence[tuple[str, int]], workers: int) -> list[Outcome]:
    """What came of each, by so many processes."""
    pending: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    for one in asked:
        pending.put(one)
    found: list[Outcome] = []

    def work(number: int) -> None:
        worker = Worker(base, number)
        while not pending.empty():
            try:
                kind, seed = pending.get_nowait()
            except queue.Empty:
                break
            outcome = worker.ask(kind, seed)
            found.append(outcome)
            if outcome.answer in WRONG:
                print(f"{outcome.answer.upper()}: {kind} {seed}: {outcome.words}", flush=True)
        worker.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def table_of(found: Sequence[Outcome]) -> Table:
    """One row a kind of file."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("what")
    columns = ("cases", *ANSWERS, "tracebacks", "hangs", "over 1 GB", "wrong accepts", "peak MiB")
    for title in columns:
        table.add_column(title, justify="right")
    kinds = {"attacks by hand": [one for one in found if one.kind in ATTACKS]}
    kinds |= {kind: [one for one in found if one.kind == kind] for kind in CASES}
    for kind, some in {**kinds, "all": list(found)}.items():
        if some:
            told = Counter(one.answer for one in some)
            counts = [len(some), *(told[name] for name in (*ANSWERS, *WRONG))]
            table.add_row(kind, *(f"{n:,}" for n in counts), f"{max(one.peak_mib for one in some):,.0f}")
    return table


def main(words: Sequence[str] | None = None) -> int:
    """Exit code 0 where nothing went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="files spoiled at random (10,000)")
    parser.add_argument("--seed", type=int, default=0, help="the first number that files are drawn by (0)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one a core)")
    parser.add_argument("--only", nargs="*", default=[], help="kinds: " + ", ".join((*ATTACKS, *CASES)))
    given = parser.parse_args(words)
    begun, base = time.monotonic(), Path(tempfile.mkdtemp(prefix="golf-adversary-"))
    try:
        make_world(base)
        found = run(base, attempts(given.count, given.seed, given.only), given.workers)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    Console(width=160).print(table_of(found))
    bad = sum(one.answer in WRONG for one in found)
    took = time.monotonic() - begun
    print(f"{len(found):,} cases in {took:.0f} s, each held to {MOST_SECONDS} s of a processor: {bad} wrong")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
