"""Parts of the scheduler's benchmark on a Ray cluster: real driver, backend, queue and checks; attempts only talk.

`seeds`: a seed at a time takes each node alone, as on Sparks, its node checked before. `streams`: many attempts live
at once; they talk from one process a node, for a thousand workers would measure the machine and not the driver.
"""

from __future__ import annotations

import asyncio
import io
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from rich.console import Console

from benchmarks.scheduler_driver import Found, memory_mib, timed
from benchmarks.scheduler_fake import Fake, fake_of, fake_plan, fake_script, said
from runner.backends.cluster import SharedQueue, cluster_nodes, connect
from runner.backends.fair_queue import Demand
from runner.backends.nodes import Need, Node
from runner.backends.ray_backend import RayBackend
from runner.drive.collect import Collector
from runner.drive.run import run_plan
from runner.drive.watch.gauges import Gauges
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message
from runner.plan.plan import check_order


def talking_task(fake: Fake, pause: float) -> Any:
    """A task in the place of a real attempt's."""

    @ray.remote(max_retries=0, num_returns="streaming")
    def talk(spec: AttemptSpec, data: DataRequest) -> Iterator[Message]:
        for message in said(spec, ray.get_runtime_context().get_node_id(), fake):
            yield message
            time.sleep(pause)

    return talk


class Talkers:
    """An actor that is many attempts at once."""

    async def ready(self) -> bool:
        """Answers once it is there."""
        return True

    async def talk(self, spec: AttemptSpec, node: str, fake: Fake, pause: float) -> AsyncIterator[Message]:
        """What one of them says."""
        for message in said(spec, node, fake):
            yield message
            await asyncio.sleep(pause)


class CountingQueue(SharedQueue):
    """Counts questions and the time that they take."""

    asks = 0
    seconds = 0.0

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        begun = time.perf_counter()
        granted = super().ask(demand, nodes)
        if self.asks:  # the first waits for the actor to start
            self.seconds += time.perf_counter() - begun
        self.asks += 1
        return granted


class Streams(RayBackend):
    """Starts its attempts in the talkers of their nodes."""

    talkers: Mapping[str, Any]
    fake: Fake
    between: float
    """Seconds from word to word."""

    def _launch(self, spec: AttemptSpec, node: Node) -> None:
        talk = self.talkers[node.id].talk.options(num_returns="streaming")
        self.running[talk.remote(spec, node.id, self.fake, self.between)] = spec, node.id


def start_talkers(nodes: Sequence[Node], many: int) -> dict[str, Any]:
    """One on each node, ready."""
    made: dict[str, Any] = {}
    for node in nodes:
        here = NodeAffinitySchedulingStrategy(node.id, soft=False)
        made[node.id] = (
            ray.remote(Talkers).options(max_concurrency=many, num_cpus=0, scheduling_strategy=here).remote()
        )
    ray.get([actor.ready.remote() for actor in made.values()])
    return made


def _walk(
    folder: Path, data: DataRequest, address: str, seeds: int, prepare: Callable[..., tuple[Any, dict[str, object]]]
) -> Found:
    """Drive fake seeds over the cluster and say what it took."""
    connect(address)
    nodes = [node for node in cluster_nodes() if node.cpus]
    backend_class, options = prepare(nodes)
    hardware, concurrent = str(options["hardware"]), int(str(options["concurrent"]))
    plan = fake_plan(data, seeds, nodes, hardware=hardware, concurrent=concurrent)
    need = Need(plan.need.hardware, plan.need.cpus, plan.need.gpus, alone=hardware != "cpu")
    queue_client, script = CountingQueue(), fake_script()
    check = check_order(plan, script) if hardware != "cpu" else None
    heard, starts = [0], []
    gauges = Gauges(plan)

    def observe(collector: Collector) -> None:
        heard[0] += 1
        if collector.phase == "starting":
            starts.append(time.perf_counter())
        gauges(collector)

    def make(request: DataRequest) -> RayBackend:
        made: RayBackend = backend_class(request, need, concurrent, queue_client, seeds, check)
        return made

    console = Console(file=io.StringIO(), width=120)
    before, begun = memory_mib(), time.perf_counter()
    with timed() as used:
        done = run_plan(plan, script, folder, console, make, observe=observe)
    completed = sum(result.status == "completed" for result in done.data.results)
    if completed != seeds:
        raise SystemExit(f"{completed} of {seeds} seeds completed: {done.data.verdict.reasons[:2]}")
    span = starts[-1] - starts[0]
    return {
        "raylets": len(nodes),
        "seeds": seeds,
        "live": min(seeds, concurrent * len(nodes)),
        "messages": heard[0],
        "wall_s": used.wall,
        "cpu_s": used.cpu,
        "cpu_ms_per_seed": used.cpu / seeds * 1e3,
        "cpu_us_per_message": used.cpu / heard[0] * 1e6,
        "messages_per_s": heard[0] / used.wall,
        "cpu_share": used.cpu / used.wall,
        "first_start_s": starts[0] - begun,
        "started_per_s": (len(starts) - 1) / span if span else 0.0,
        "memory_before_mib": before,
        "memory_mib": memory_mib(),
        "kib_per_seed": (memory_mib() - before) * 1024 / seeds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "asks_per_seed": queue_client.asks / seeds,
        "ms_per_ask": queue_client.seconds / max(1, queue_client.asks - 1) * 1e3,
    }


def seeds_part(folder: Path, data: DataRequest, address: str, seeds: int) -> Found:
    """Seeds that take a node with its GPU alone, one after the other on each."""

    def prepare(nodes: Sequence[Node]) -> tuple[Any, dict[str, object]]:
        fake = fake_of(fake_plan(data, 1, list(nodes)), lines=5, beats=0)
        made = type("Tasks", (RayBackend,), {"task": talking_task(fake, 0.0)})
        return made, {"hardware": "dgx-spark", "concurrent": 1}

    return _walk(folder, data, address, seeds, prepare)


def streams_part(
    folder: Path, data: DataRequest, address: str, live: int, lines: int, beats: int, seconds: float
) -> Found:
    """`live` attempts at once, each saying so many lines and heartbeats in so many seconds."""

    def prepare(nodes: Sequence[Node]) -> tuple[Any, dict[str, object]]:
        fake = fake_of(fake_plan(data, 1, list(nodes)), lines=lines, beats=beats)
        each = -(-live // len(nodes))
        parts = {"talkers": start_talkers(nodes, each + 1), "fake": fake, "between": seconds / (lines + beats + 10)}
        return type("Made", (Streams,), parts), {"hardware": "cpu", "concurrent": each}

    return _walk(folder, data, address, live, prepare)
