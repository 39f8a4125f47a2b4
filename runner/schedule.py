"""Ray: attempts as streaming-generator tasks, each on the node that its turn came up for.

Every attempt is a task of its own with `max_retries=0`: with Ray's own retries the stream of a killed run
was seen spliced with its re-run's, which for a record is corruption. This file places, streams and cancels;
what a cut-off attempt means is the driver's decision.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any, cast

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from runner.attempt import run_attempt
from runner.backends import Lost, Waiting
from runner.cluster import Desk, cluster_rooms
from runner.jobdata import DataRequest, open_requested
from runner.messages import Message
from runner.nodes import Need, Room, inventory
from runner.order import AttemptSpec
from runner.plan import Plan
from runner.turns import Ticket, Wish

WAIT_S = 0.25
CANCEL_S = 1.0
ALIVE_S = 5.0
"""Seconds between two questions of a driver that waits for nothing."""
NO_NODE_S = 60.0
"""How long a seed waits for a node that could take it to come back before it is reported."""


@ray.remote(max_retries=0, num_returns="streaming")
def attempt_task(spec: AttemptSpec, data: DataRequest) -> Iterator[Message]:
    """`run_attempt` on whichever node Ray chose."""
    node = ray.get_runtime_context().get_node_id()
    yield from run_attempt(spec, partial(open_requested, data), node)


def task_name(spec: AttemptSpec) -> str:
    """`job/seedN/aK`, as Ray's dashboard shows it."""
    return f"{spec.job}/seed{spec.seed}/a{spec.attempt}"


class RayBackend(Waiting):
    """Attempts on a Ray cluster, at most `side_by_side` of them on one node."""

    def __init__(
        self,
        data: DataRequest,
        need: Need,
        side_by_side: int,
        desk: Desk,
        seeds: int = 1,
        rooms: Callable[[], Sequence[Room]] = cluster_rooms,
    ) -> None:
        """desk: whom to ask for a node. seeds: of the job, by which it may be passed over. rooms: living nodes."""
        super().__init__()
        self.data = data
        self.need = need
        self.side_by_side = side_by_side
        self.desk = desk
        self.seeds = seeds
        self.rooms = rooms
        self.driver = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        self.since = time.time()
        self.running: dict[Any, tuple[AttemptSpec, str]] = {}
        """Stream -> attempt and the node it is on."""
        self.bad_nodes: dict[str, None] = {}
        self.asked = -ALIVE_S
        self.homeless_since = time.monotonic()

    @classmethod
    def of_plan(cls, plan: Plan, desk: Desk) -> Callable[[DataRequest], RayBackend]:
        """What makes the backend of a planned job once its data are known."""
        return partial(cls, need=plan.need, side_by_side=plan.concurrent, desk=desk, seeds=len(plan.job.seeds))

    def _take_turns(self) -> str:
        """Ask for nodes and start what got one; returns why nothing that waits can ever start, or ''.

        Asked now and then also when nothing waits: a driver that is silent for long is taken for dead.
        """
        now = time.monotonic()
        if now - self.asked < (WAIT_S if self.queue else ALIVE_S):
            return ""
        self.asked = now
        rooms = {room.node: room for room in self.rooms()}
        granted = self.desk.ask(self._wish(), list(rooms.values()))
        for spec in [spec for spec in self.queue if granted.get(task_name(spec)) in rooms]:
            self.queue.remove(spec)
            self._launch(spec, rooms[granted[task_name(spec)]])
        if not self.queue or any(self.need.fits(room) for room in rooms.values()):
            self.homeless_since = now
        elif now - self.homeless_since > NO_NODE_S:
            return f"no node offers {self.need} any more; the cluster has {inventory(list(rooms.values()))}"
        return ""

    def _wish(self) -> Wish:
        avoid = tuple(self.bad_nodes)
        return Wish(
            self.driver,
            self.since,
            self.seeds,
            self.side_by_side,
            waiting=tuple(Ticket(task_name(spec), self.need, avoid) for spec in self.queue),
            held={task_name(spec): (node, self.need) for spec, node in self.running.values()},
        )

    def _launch(self, spec: AttemptSpec, room: Room) -> None:
        # A seed that takes its node alone takes all that Ray counts there, so that nobody else's task joins it.
        cpus, gpus = (room.cpus, room.gpus) if self.need.alone else (self.need.cpus, self.need.gpus)
        stream = attempt_task.options(
            name=task_name(spec),
            num_cpus=cpus,
            num_gpus=gpus,
            scheduling_strategy=NodeAffinitySchedulingStrategy(room.node, soft=False),
        ).remote(spec, self.data)
        self.running[stream] = spec, room.node

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue or self.running:
            lacking = self._take_turns()
            if lacking:
                yield self.queue.popleft(), Lost(lacking)
            if not self.running:
                time.sleep(WAIT_S)
                continue
            ready, _ = ray.wait(list(self.running), num_returns=1, timeout=WAIT_S, fetch_local=False)
            for stream in cast(list[Any], ready):
                spec, node = self.running[stream]
                try:
                    message = ray.get(next(stream))
                except StopIteration:
                    del self.running[stream]
                except ray.exceptions.RayError as error:
                    del self.running[stream]
                    self.bad_nodes[node] = None
                    yield spec, Lost(lost_reason(error))
                else:
                    yield spec, message
        self.desk.leave(self.driver)

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
        self.running.clear()
        self.desk.leave(self.driver)


def lost_reason(error: Exception) -> str:
    """One line of what Ray says, or the traceback when the task itself raised (a bug of ours)."""
    if isinstance(error, ray.exceptions.RayTaskError):
        raise error
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
