"""Ray: attempts as streaming-generator tasks, each on the node that its turn came up for.

Every attempt is a task of its own with `max_retries=0`: with Ray's own retries the stream of a killed run
was seen spliced with its re-run's, which for a record is corruption. This file places, streams and cancels;
what a cut-off attempt means is the driver's decision.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from runner.backends.backend import Lost, Waiting
from runner.backends.cluster import QueueClient, cluster_nodes
from runner.backends.fair_queue import Demand, Ticket
from runner.backends.nodes import Need, Node, inventory
from runner.backends.ray_silence import HALTED, QUIET_S, Silence
from runner.backends.ray_tasks import attempt_task, check_task, lost_reason, task_name
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Finished, Message
from runner.node.node_check import CheckOrder
from runner.results.nodes import NodeReport, Probe

AHEAD = 32
"""Messages that an attempt may be ahead of us; the log of one that writes faster waits on its node's disk."""
WAIT_S = 0.25
"""Longest wait for the next word of any attempt."""
GATHER_S = 0.02
"""Wait after the first word for those of others, so that of many streams one look brings many words."""
CANCEL_S = 1.0
ASK_S, ASK_MOST_S = 0.25, 2.0
"""Seconds between two questions of a driver that waits for a node, at first and once nothing has changed for long:
what others free is seen that much later. A change of its own is told at once."""
ALIVE_S = 5.0
"""The same of a driver that waits for nothing."""
NO_NODE_S = 60.0
"""How long a seed waits for a node that could take it to come back before it is reported."""


class RayBackend(Waiting):
    """Attempts on a Ray cluster, at most `side_by_side` of them on one node."""

    task: Any = attempt_task
    """What runs an attempt; a benchmark puts one in its place that only talks."""

    def __init__(
        self,
        data: DataRequest,
        need: Need,
        side_by_side: int,
        queue_client: QueueClient,
        seeds: int = 1,
        check: CheckOrder | None = None,
        nodes: Callable[[], Sequence[Node]] = cluster_nodes,
    ) -> None:
        """queue_client: whom to ask for a node. seeds: of the job, how often it may be passed over.
        nodes: the living ones. check: what to look for on a node before a seed starts there; None looks at nothing.
        """
        super().__init__()
        self.data = data
        self.need = need
        self.side_by_side = side_by_side
        self.queue_client = queue_client
        self.seeds = seeds
        self.nodes = nodes
        self.driver = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        self.since = time.time()
        self.running: dict[Any, tuple[AttemptSpec, str]] = {}
        """Stream -> attempt and the node it is on."""
        self.granted: dict[str, tuple[AttemptSpec, Node]] = {}
        """Name -> attempt that has its node and waits for the check of it."""
        self.check = check
        self.checks: dict[str, Any] = {}
        """Node -> the check that goes on there, or has ended there and was not used yet."""
        self.probes: dict[str, Probe] = {}
        """Node -> how fast it was when this run first used it."""
        self.bad_nodes: dict[str, None] = {}
        self.died: dict[str, float] = {}
        """Node -> when a task told us that it has died, which the list of living nodes may not know yet."""
        self.refused: dict[str, str] = {}
        """Node -> why it was refused."""
        self.silence = Silence()
        self.living: set[str] = set()
        """Nodes, when we last asked."""
        self.ask_next, self.pause = 0.0, ASK_S
        """When to ask for nodes again (0: at once), and how long to wait after that."""
        self.homeless_since = time.monotonic()

    def _place(self) -> str:
        """Ask for nodes and start what got one; returns why nothing that waits can ever start, or ''.

        Asked at once when something has changed here, else ever more rarely, yet also when nothing waits: a driver
        that is silent for long is taken for dead.
        """
        now = time.monotonic()
        if now < self.ask_next:
            return ""
        nodes = {node.id: node for node in self.nodes() if now - self.died.get(node.id, -math.inf) >= QUIET_S}
        self.living = set(nodes)
        fitting = [node for node in nodes.values() if self.need.fits(node)]
        told = list(islice(self.queue, len(fitting) * self.side_by_side))
        granted = self.queue_client.ask(self._demand(told), list(nodes.values()))
        taken = {task_name(spec): spec for spec in told if granted.get(task_name(spec)) in nodes}
        for name, spec in taken.items():
            self.queue.remove(spec)
            node = nodes[granted[name]]
            self.granted[name] = spec, node
            self._begin_check(node.id)
        self.pause = ASK_S if taken else min(ASK_MOST_S, 1.5 * self.pause)
        self.ask_next = now + (self.pause if self.queue else ALIVE_S)
        if not self.queue or any(node.id not in self.refused for node in fitting):
            self.homeless_since = now
        elif fitting:
            return f"every node that could take it is refused: {'; '.join(self.refused.values())}"
        elif now - self.homeless_since > NO_NODE_S:
            return f"no node offers {self.need} any more; the cluster has {inventory(list(nodes.values()))}"
        return ""

    def _awaited_checks(self) -> list[Any]:
        """Of the nodes that attempts were granted, each once."""
        nodes = dict.fromkeys(node.id for _, node in self.granted.values())
        return [self.checks[node] for node in nodes if node in self.checks]

    def _begin_check(self, node: str) -> None:
        """Look at a node, unless that is going on; its speed is measured once, and never while a seed runs there."""
        if self.check is None or node in self.checks:
            return
        measure = self.check.probe and node not in self.probes and not self._is_busy(node)
        order = replace(self.check, probe=measure)
        placed = check_task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        self.checks[node] = placed.remote(order, self.data)

    def _is_busy(self, node: str) -> bool:
        return any(node == other for _, other in self.running.values())

    def _start_checked(self) -> Iterator[tuple[AttemptSpec, Lost]]:
        """Start the attempts whose nodes were found good; the others go back to wait for another node."""
        if self.check is not None:
            for _, node in self.granted.values():
                self._begin_check(node.id)
        awaited = self._awaited_checks()
        ended = set(ray.wait(awaited, num_returns=len(awaited), timeout=0)[0]) if awaited else set()
        for name, (spec, node) in list(self.granted.items()):
            if self.check is None:
                del self.granted[name]
                self._launch(spec, node)
                continue
            if self.checks.get(node.id) not in ended:
                if node.id not in self.living:  # nobody may ever tell us how the check of a dead node ended
                    if node.id in self.checks:
                        ray.cancel(self.checks.pop(node.id), force=True)
                    del self.granted[name]
                    self._put_back(spec, node.id)
                continue
            found = self.checks.pop(node.id)
            del self.granted[name]
            try:
                report: NodeReport = ray.get(found)
            except (ray.exceptions.TaskUnschedulableError, ray.exceptions.NodeDiedError):
                self.died[node.id] = time.monotonic()
                self._put_back(spec, node.id)
                continue
            except ray.exceptions.RayError as error:
                self.bad_nodes[node.id] = None
                self.ask_next = 0.0
                yield spec, Lost(lost_reason(error))
                continue
            unmeasured = self.check.probe and report.probe is None and node.id not in self.probes
            if unmeasured and not report.problems and not self._is_busy(node.id):
                self.granted[name] = spec, node  # it was looked at while another seed ran there
                self._begin_check(node.id)
                continue
            refused = self.admit(report)
            if report.probe is not None:
                self.probes[node.id] = report.probe
            report = report.model_copy(update={"probe": self.probes.get(node.id)})
            if refused:
                self.refused[node.id] = f"{report.host}: {', '.join(refused)}"
                self.queue.appendleft(spec)
                self.ask_next = 0.0
            else:
                self._launch(replace(spec, preflight=report), node)

    def _put_back(self, spec: AttemptSpec, node: str) -> None:
        """The node was gone before the seed could start there: none of its tries. Its death may not be known yet."""
        self.bad_nodes[node] = None
        self.queue.appendleft(spec)
        self.ask_next = min(self.ask_next, time.monotonic() + ASK_S)

    def submit(self, spec: AttemptSpec, *, front: bool = False) -> None:
        super().submit(spec, front=front)
        self.ask_next = 0.0

    def withdraw(self) -> list[AttemptSpec]:
        """Take back every attempt that has not started, those that have a node and wait for its check as well."""
        withdrawn = [*(spec for spec, _ in self.granted.values()), *super().withdraw()]
        self.granted.clear()
        self.ask_next = 0.0
        return withdrawn

    def _demand(self, told: Sequence[AttemptSpec]) -> Demand:
        """What we want and hold. told: the head of the queue: as many as could start if all nodes were ours, for a
        queue of thousands would be sent and sorted for nothing."""
        avoid, refused = tuple(self.bad_nodes), tuple(self.refused)
        return Demand(
            self.driver,
            self.since,
            self.seeds,
            self.side_by_side,
            waiting=tuple(Ticket(task_name(spec), self.need, avoid, refused) for spec in told),
            held={
                **{task_name(spec): (node, self.need) for spec, node in self.running.values()},
                **{name: (node.id, self.need) for name, (_, node) in self.granted.items()},
            },
        )

    def _launch(self, spec: AttemptSpec, node: Node) -> None:
        # A seed that takes its node alone takes all that Ray counts there, so that nobody else's task joins it.
        cpus, gpus = (node.cpus, node.gpus) if self.need.alone else (self.need.cpus, self.need.gpus)
        stream = self.task.options(
            name=task_name(spec),
            num_cpus=cpus,
            num_gpus=gpus,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
            _generator_backpressure_num_objects=AHEAD,
        ).remote(spec.loaded(), self.data)
        self.running[stream] = spec, node.id
        self.silence.begun(stream)

    def _silent(self) -> Iterator[tuple[AttemptSpec, Lost]]:
        """Give up attempts that have said nothing for too long."""
        for stream, words in self.silence.on_dead_nodes(self.running, self.living):
            yield self._give_up(stream, words)
        for stream, words in self.silence.halted(self.running):
            yield self._give_up(stream, words)

    def _give_up(self, stream: Any, words: str) -> tuple[AttemptSpec, Lost]:
        spec, node = self.running.pop(stream)
        self.bad_nodes[node] = None
        self.ask_next = 0.0
        ray.cancel(stream, force=True)
        return spec, Lost(words)

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue or self.running or self.granted:
            lacking = self._place()
            if lacking:
                yield self.queue.popleft(), Lost(lacking, final=True)
            yield from self._start_checked()
            yield from self._silent()
            for stream in self._speaking():
                yield from self._hear(stream)
        self.queue_client.leave(self.driver)

    def _speaking(self) -> list[Any]:
        """Streams that have a word for us, all of them in one look; waits a moment for the first."""
        awaited = [*self.running, *self._awaited_checks()]
        if not awaited:
            time.sleep(max(0.0, min(WAIT_S, self.ask_next - time.monotonic())))
            return []
        # One at a time would let those behind a stream that never pauses wait for ever.
        ready, _ = ray.wait(awaited, num_returns=1, timeout=WAIT_S)
        if ready and len(awaited) > 1:
            ready, _ = ray.wait(awaited, num_returns=len(awaited), timeout=GATHER_S)
        return [stream for stream in ready if stream in self.running]

    def _hear(self, stream: Any) -> Iterator[tuple[AttemptSpec, Message | Lost]]:
        """The next word of a stream that has one; its end is one, too."""
        spec, node = self.running[stream]
        try:
            message = ray.get(next(stream))
        except StopIteration:
            del self.running[stream]
            self.ask_next = 0.0
        except ray.exceptions.RayError as error:
            del self.running[stream]
            self.ask_next = 0.0
            self.bad_nodes[node] = None
            if isinstance(error, ray.exceptions.NodeDiedError):
                self.died[node] = time.monotonic()
            halted = self.silence.was_halted(stream, GATHER_S + 2 * CANCEL_S)
            yield spec, Lost(HALTED if halted else lost_reason(error))
        else:
            self.silence.spoke(stream, message)
            if isinstance(message, Finished) and self.queue:
                self._begin_check(node)  # the seed has run: what is left of it is clearing up
            yield spec, message

    def close(self) -> None:
        """Cancel what runs: asked first, so that it can clean up, then by force (a supervisor outlives that)."""
        streams = list(self.running)
        for stream in streams:
            ray.cancel(stream)
        ended = [stream.completed() for stream in streams]
        if ended:
            done, _ = ray.wait(ended, num_returns=len(ended), timeout=CANCEL_S, fetch_local=False)
            for stream, end in zip(streams, ended, strict=True):
                if end not in done:
                    ray.cancel(stream, force=True)
        for found in self.checks.values():
            ray.cancel(found, force=True)
        self.running.clear()
        self.queue_client.leave(self.driver)
