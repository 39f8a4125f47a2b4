"""Parts of the scheduler's benchmark that need no Ray, each for a process of its own: driving, looking, taking turns.

Each gives a flat dictionary of what it measured. CPU seconds are of the whole process, memory is resident.
"""

from __future__ import annotations

import io
import os
import resource
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console

from benchmarks.scheduler_fake import Memory, fake_of, fake_plan, fake_script
from reports.record.write import RecordFiles, write_record
from reports.terminal.summary import terminal_summary
from runner.backends.backend import Backend, Lost
from runner.backends.fair_queue import Demand, FairQueue, Ticket
from runner.backends.nodes import Need, Node
from runner.drive.assess import assess
from runner.drive.run import run_plan
from runner.drive.watch.status import status_table
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message, Started

HERE = [Node(2, 0)]
Found = dict[str, float]


class Used:
    """Wall and CPU seconds of a block."""

    wall = cpu = kernel = 0.0


@contextmanager
def timed() -> Iterator[Used]:
    """Measure a block; read the figures after it."""
    used = Used()
    wall, cpu, kernel = time.perf_counter(), time.process_time(), os.times().system
    try:
        yield used
    finally:
        used.wall, used.cpu = time.perf_counter() - wall, time.process_time() - cpu
        used.kernel = os.times().system - kernel


def memory_mib() -> float:
    """Resident memory of this process."""
    return float(psutil.Process().memory_info().rss / 2**20)


class Counted(Memory):
    """Counts messages, looks at open files now and then, and at the memory when the last seed has ended."""

    counted = files = 0
    first = memory = 0.0

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        for spec, message in super().messages():
            self.counted += 1
            if isinstance(message, Started) and not self.first:
                self.first = time.perf_counter()
            if self.counted % 5000 == 0:
                self.files = max(self.files, len(os.listdir("/proc/self/fd")))  # noqa: PTH208
            yield spec, message
        self.memory = memory_mib()


def drive(
    folder: Path, data: DataRequest, seeds: int, live: int, lines: int = 20, beats: int = 5, screen: str = ""
) -> Found:
    """Drive fake seeds from the walk's first line to the end of its assessment, in memory.

    lines, beats: log lines and heartbeats of each. screen: `terminal` draws on a terminal that nobody sees; else
    lines go nowhere.
    """
    plan = fake_plan(data, seeds, HERE)
    out = io.StringIO()
    console = Console(file=out, width=120, height=50, force_terminal=screen == "terminal")
    backends: list[Counted] = []

    def make(_: DataRequest) -> Backend:
        backends.append(Counted(fake_of(plan, lines, beats), live))
        return backends[0]

    before, begun = memory_mib(), time.perf_counter()
    with timed() as used:
        done = run_plan(plan, fake_script(), folder, console, make)
    completed = sum(result.status == "completed" for result in done.data.results)
    if completed != seeds or done.data.verdict.status != "passed":
        raise SystemExit(f"{completed} of {seeds} seeds completed, {done.data.verdict.reasons[:3]}")
    backend, ledger = backends[0], done.folder.ledger
    return {
        "seeds": seeds,
        "live": live,
        "messages": backend.counted,
        "wall_s": used.wall,
        "cpu_s": used.cpu,
        "cpu_ms_per_seed": used.cpu / seeds * 1e3,
        "ours_ms_per_seed": (used.cpu - used.kernel) / seeds * 1e3,
        "ours_us_per_message": (used.cpu - used.kernel) / backend.counted * 1e6,
        "cpu_us_per_message": used.cpu / backend.counted * 1e6,
        "first_start_s": backend.first - begun,
        "memory_before_mib": before,
        "memory_driving_mib": backend.memory,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "kib_per_seed": (backend.memory - before) * 1024 / seeds,
        "files": backend.files,
        "ledger_kib": ledger.stat().st_size / 1024,
        "screen_kib": len(out.getvalue()) / 1024,
    }


def look(folder: Path, data: DataRequest, seeds: int) -> Found:
    """What it takes to look at a run of `seeds` that `drive` left in `folder`, and to go on with it."""
    plan, script = fake_plan(data, seeds, HERE), fake_script()
    (place,) = (folder / "runs").iterdir()
    run = RunFolder(place)
    found: Found = {"seeds": seeds}
    console = Console(file=io.StringIO(), width=120)

    def note(name: str, work: Callable[[], object]) -> object:
        with timed() as used:
            value = work()
        found[f"{name}_s"] = used.cpu
        return value

    ledger = Ledger(run.ledger)
    note("ledger", lambda: Ledger(run.ledger))
    note("status", lambda: console.print(status_table([run])))
    done = assess(plan, script, run, ledger)
    note("assess", lambda: assess(plan, script, run, ledger))
    note("resume", lambda: run_plan(plan, script, folder, console, _never))
    files = RecordFiles(script=script.source, logs=done.logs, ledger=run.ledger)
    place = Path(str(note("record", lambda: write_record(done.data, files, folder))))
    found["readme_kib"] = (place / "README.md").stat().st_size / 1024
    note("summary", lambda: console.print(terminal_summary(done.data, place)))
    fresh = Ledger(folder / "appended.jsonl")
    with timed() as used:
        for number in range(200):
            fresh.append("launched", seed=number, attempt=1, node="n" * 56)
    found["append_wall_ms"], found["append_cpu_ms"] = used.wall / 200 * 1e3, used.cpu / 200 * 1e3
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _never(_: DataRequest) -> Backend:
    raise AssertionError("nothing was left to run")


def turns(nodes: int, drivers: int, waiting: int, rounds: int = 3) -> Found:
    """The queue with every node held and every driver waiting, then one node freed at a time and given again."""
    need = Need(PROFILES["h100x8"], 8, 8, alone=True)
    living = [Node(64, 8, "H100", id=f"n{number}") for number in range(nodes)]
    queue = FairQueue()
    tickets = [tuple(Ticket(f"d{d}/seed{s}/a1", need) for s in range(waiting)) for d in range(drivers)]
    held: list[dict[str, tuple[str, Need]]] = [{} for _ in range(drivers)]

    def ask(driver: int) -> int:
        name = f"d{driver}"
        left = tickets[driver]
        demand = Demand(name, float(driver), waiting + len(held[driver]), 1, left, dict(held[driver]))
        granted = queue.ask(demand, living, 0.0)
        held[driver] |= {key: (node, need) for key, node in granted.items()}
        tickets[driver] = tuple(ticket for ticket in left if ticket.key not in granted)
        return len(granted)

    with timed() as filling:
        first = sum(ask(driver) for driver in range(drivers))
    asks = 0
    with timed() as full:
        for _ in range(rounds):
            for driver in range(drivers):
                asks += 1
                if ask(driver):
                    raise SystemExit("a node was given twice")
    given = 0
    with timed() as moving:
        for _ in range(rounds):
            busy = next(driver for driver in range(drivers) if held[driver])
            del held[busy][next(iter(held[busy]))]
            given += sum(ask((busy + further) % drivers) for further in range(drivers))
    taken = [node for mine in held for node, _ in mine.values()]
    if len(taken) != len(set(taken)) or given != rounds:
        raise SystemExit(f"{given} of {rounds} freed nodes were given again, or one twice")
    return {
        "nodes": nodes,
        "drivers": drivers,
        "waiting": waiting * drivers,
        "first_grants": first,
        "fill_ms_per_ask": filling.cpu / drivers * 1e3,
        "full_ms_per_ask": full.cpu / asks * 1e3,
        "moving_ms_per_ask": moving.cpu / (rounds * drivers) * 1e3,
    }
