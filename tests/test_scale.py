"""Many seeds: what the driver holds does not grow, every seed runs once, and what it tells the queue stays short."""

from __future__ import annotations

import io
import random
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.scheduler_fake import Memory, fake_of, fake_plan, fake_script
from runner.backends.backend import Lost
from runner.backends.cluster import LocalQueue
from runner.backends.fair_queue import Demand, FairQueue, Ticket
from runner.backends.nodes import Need, Node
from runner.backends.ray_backend import ASK_MOST_S, RayBackend
from runner.drive.assess import JudgedRun
from runner.drive.collect import Collector
from runner.drive.run import run_plan
from runner.drive.watch.status import CROWD, status_table
from runner.folder.ledger import check_chain
from runner.job.hardware import PROFILES
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message, Started
from tests.runner.drive.test_run import Screen, never
from tests.runner.node.test_attempt import spec_for

HERE = [Node(2, 0)]
SEEDS, LIVE = CROWD + 20, 7


class Watched(Memory):
    """Loses seed 2 once while it runs and once more after it has finished, which means nothing."""

    lost = late = False

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        for spec, message in super().messages():
            yield spec, message
            if spec.seed == 2 and isinstance(message, Started) and not self.lost:
                self.lost = True
                yield spec, Lost("NodeDiedError: gone")
            if spec.seed == 3 and not self.late and "Finished" in repr(type(message)):
                self.late = True
                yield spec, Lost("said after its end")


def drive(data: DataRequest, place: Path, backend: type[Memory], live: list[int] | None = None) -> JudgedRun:
    plan = fake_plan(data, SEEDS, HERE)
    running: dict[int, Collector] = {}

    def observe(collector: Collector) -> None:
        running[collector.spec.seed] = collector
        for seed in [seed for seed, one in running.items() if one.result is not None]:
            del running[seed]
        if live is not None:
            live.append(len(running))

    return run_plan(
        plan, fake_script(), place, Screen().console, lambda _: backend(fake_of(plan), LIVE), observe=observe
    )


@pytest.fixture(scope="module")
def driven(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> JudgedRun:
    """A run of many fake seeds, one of which was lost once."""
    return drive(tiny_data, tmp_path_factory.mktemp("driven"), Watched)


def test_every_seed_of_many_ends_once_and_the_record_passes(driven: JudgedRun) -> None:
    assert driven.data.verdict.status == "passed", driven.data.verdict.reasons
    assert driven.data.ledger == {"registrations": 1, "launches": SEEDS + 1, "completed": SEEDS, "lost": 1}
    entries = check_chain(driven.folder.ledger)
    ends = [(entry["seed"], entry["attempt"]) for entry in entries if entry["kind"] == "finished"]
    assert len(ends) == len(set(ends)) == SEEDS + 1
    queued = [entry["seed"] for entry in entries if entry["kind"] == "queued"]
    assert queued[:SEEDS] == list(range(1, SEEDS + 1))


def test_a_node_is_idle_from_the_end_of_one_seed_to_the_start_of_the_next(driven: JudgedRun) -> None:
    idle = [result.idle_seconds for result in driven.data.results]
    assert sum(seconds is None for seconds in idle) >= LIVE - 1
    assert sum(seconds is not None for seconds in idle) >= SEEDS - LIVE - 1


def test_a_second_run_of_many_says_how_many_are_kept_and_runs_none(tiny_data: DataRequest, driven: JudgedRun) -> None:
    screen = Screen()
    again = run_plan(
        fake_plan(tiny_data, SEEDS, HERE), fake_script(), driven.folder.path.parents[1], screen.console, never
    )
    assert again.data.results == driven.data.results
    assert screen.text.startswith(f"{SEEDS} seeds: {SEEDS} completed; bpb ")
    assert len(screen.text.splitlines()) == 1


def test_status_of_many_seeds_is_a_line_that_counts_them(driven: JudgedRun) -> None:
    screen = Screen()
    screen.console.print(status_table([driven.folder]))
    assert f"{SEEDS} completed" in screen.text
    assert len(screen.text.splitlines()) == 2


def test_status_on_a_narrow_terminal_shows_a_runs_name_whole(driven: JudgedRun) -> None:
    console = Console(width=60, file=io.StringIO())
    with console.capture() as capture:
        console.print(status_table([driven.folder]))
    shown = "".join(line.split(" ")[0] for line in capture.get().splitlines())
    assert shown == f"run{driven.folder.path.name}"


def test_the_verdicts_sentences_stay_short(driven: JudgedRun) -> None:
    answers = {check.name: check for check in driven.data.verdict.checks if check.seed is None}
    assert answers["seeds_complete"].measured == f"completed 1 to {SEEDS}"
    assert max(len(check.measured + check.detail) for check in answers.values()) < 200


class Stopped(Memory):
    """Ctrl-C while the first seeds run."""

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        for number, (spec, message) in enumerate(super().messages()):
            yield spec, message
            if number == 50:
                raise KeyboardInterrupt


def test_an_interrupt_notes_what_ran_and_takes_back_what_waited(tiny_data: DataRequest, tmp_path: Path) -> None:
    live: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        drive(tiny_data, tmp_path, Stopped, live)
    assert max(live) == LIVE
    (run,) = (tmp_path / "runs").iterdir()
    entries = check_chain(run / "ledger.jsonl")
    ends = [entry["seed"] for entry in entries if entry["kind"] == "finished"]
    withdrawn = [entry["seed"] for entry in entries if entry["kind"] == "withdrawn"]
    assert sorted(ends + withdrawn) == list(range(1, SEEDS + 1))
    assert len(withdrawn) == SEEDS - LIVE
    assert len(list((run / "seeds").glob("*/attempt-1"))) == LIVE
    assert drive(tiny_data, tmp_path, Memory).data.ledger["completed"] == SEEDS


class Told(LocalQueue):
    """Keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.demands: list[Demand] = []

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        self.demands.append(demand)
        return super().ask(demand, nodes)


def test_of_a_long_queue_only_as_many_seeds_are_told_as_could_start(tiny_data: DataRequest) -> None:
    queue_client, nodes = Told(), [Node(4, 0, id=f"n{number}") for number in range(3)]
    backend = RayBackend(tiny_data, Need(PROFILES["cpu"], 1, 0), 2, queue_client, nodes=lambda: nodes)
    for seed in range(1, 1001):
        backend.submit(spec_for(b"", seed=seed))
    backend._place()
    assert len(queue_client.demands[0].waiting) == 6
    assert sorted(spec.seed for spec, _ in backend.granted.values()) == [1, 2, 3, 4, 5, 6]
    assert backend.queue[0].seed == 7


def test_the_queue_is_asked_at_once_after_a_change_and_ever_more_rarely_without_one(tiny_data: DataRequest) -> None:
    queue_client = Told()
    backend = RayBackend(tiny_data, Need(PROFILES["cpu"], 1, 0), 1, queue_client, nodes=list)
    backend.submit(spec_for(b""))
    pauses = []
    for _ in range(10):
        backend.ask_next = 0.0
        backend._place()
        pauses.append(backend.pause)
        assert backend.ask_next > 0
    assert pauses == sorted(pauses)
    assert pauses[-1] == ASK_MOST_S
    asked = len(queue_client.demands)
    backend.ask_next = float("inf")
    backend._place()
    assert len(queue_client.demands) == asked
    backend.submit(spec_for(b"", seed=43))
    backend._place()
    assert len(queue_client.demands) == asked + 1


def test_two_hundred_nodes_serve_fifty_drivers_each_seed_once_and_no_node_twice() -> None:
    """Drivers ask in any order, seeds end in any order; some drivers want whole nodes of one kind, some CPUs."""
    chosen = random.Random(7)
    kinds = [Need(PROFILES["h100x8"], 8, 8, alone=True), Need(PROFILES["dgx-spark"], 1, 1, alone=True)]
    nodes = [Node(64, 8, "H100", id=f"h{number}") for number in range(100)]
    nodes += [Node(20, 1, "GB10", id=f"s{number}") for number in range(100)]
    queue = FairQueue()
    waiting = {f"d{d:02}": [f"d{d:02}/seed{s}" for s in range(20)] for d in range(50)}
    held: dict[str, dict[str, tuple[str, Need]]] = {driver: {} for driver in waiting}
    started: list[str] = []
    for now in range(10_000):
        driver = chosen.choice(list(waiting))
        for key in [key for key in held[driver] if chosen.random() < 0.5]:
            del held[driver][key]
        need = kinds[int(driver[1:]) % 2]
        tickets = tuple(Ticket(key, need) for key in waiting[driver])
        demand = Demand(driver, float(driver[1:]), 20, 1, tickets, dict(held[driver]))
        for key, node in queue.ask(demand, nodes, now / 1000).items():
            started.append(key)
            waiting[driver].remove(key)
            held[driver][key] = (node, need)
        taken = [node for mine in held.values() for node, _ in mine.values()]
        assert len(taken) == len(set(taken))
        if not any(waiting.values()):
            break
    assert sorted(started) == sorted(f"d{d:02}/seed{s}" for d in range(50) for s in range(20))
