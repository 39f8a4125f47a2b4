"""Ray: attempts as streaming-generator tasks on nodes that fit.

Every attempt is a task of its own with `max_retries=0`: with Ray's own retries the stream of a killed run
was seen spliced with its re-run's, which for a record is corruption. This file places, streams and cancels;
what a cut-off attempt means is the driver's decision.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any, cast

import ray
import ray.exceptions

from runner.attempt import AttemptSpec, run_attempt
from runner.backends import Lost, Waiting
from runner.errors import UserError
from runner.jobdata import DataRequest, open_requested
from runner.messages import Message
from runner.plan import Room
from runner.ray_environment import tighten_token

WAIT_S = 0.25
CANCEL_S = 1.0
REACH_S = 5.0
OBJECT_STORE_BYTES = 256 << 20


def connect(address: str | None, cpus: int | None = None) -> None:
    """Join the cluster at `address`, or start one on this machine that ends with this process.

    cpus: what a cluster started here offers; None counts the machine's.
    """
    local = address is None
    if address is not None:
        require_reachable(address)
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            num_cpus=cpus if local else None,
            include_dashboard=False if local else None,
            object_store_memory=OBJECT_STORE_BYTES if local else None,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        where = address or "this machine"
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"could not {'start Ray on' if local else 'reach a Ray cluster at'} {where}: {first_line}. "
            "Check the address (host:port of the head node) and that this machine has the cluster's token in "
            "~/.ray/auth_token, or leave the address out to run on this machine."
        ) from error
    tighten_token()


def cluster_rooms() -> list[Room]:
    """What each living node offers."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return [Room(int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in nodes]


def require_reachable(address: str) -> None:
    """UserError unless somebody listens at host:port; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=REACH_S).close()
    except (OSError, ValueError) as error:
        raise UserError(
            f"--address {address}: nobody answers there ({error}). Give host:port of the cluster's head node, or "
            "leave it out to run on this machine"
        ) from None


@ray.remote(max_retries=0, num_returns="streaming")
def attempt_task(spec: AttemptSpec, data: DataRequest) -> Iterator[Message]:
    """`run_attempt` on whichever node Ray chose."""
    node = ray.get_runtime_context().get_node_id()
    yield from run_attempt(spec, partial(open_requested, data), node)


class RayBackend(Waiting):
    """Attempts on a Ray cluster, at most `concurrent` at a time."""

    def __init__(self, data: DataRequest, cpus: int, gpus: int, concurrent: int) -> None:
        super().__init__()
        self.data = data
        self.options = {"num_cpus": cpus, "num_gpus": gpus}
        self.concurrent = concurrent
        self.running: dict[Any, AttemptSpec] = {}

    def _start(self) -> None:
        while self.queue and len(self.running) < self.concurrent:
            spec = self.queue.popleft()
            name = f"{spec.job}/seed{spec.seed}/a{spec.attempt}"
            stream = attempt_task.options(name=name, **self.options).remote(spec, self.data)
            self.running[stream] = spec

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        while self.queue or self.running:
            self._start()
            ready, _ = ray.wait(list(self.running), num_returns=1, timeout=WAIT_S, fetch_local=False)
            for stream in cast(list[Any], ready):
                spec = self.running[stream]
                try:
                    message = ray.get(next(stream))
                except StopIteration:
                    del self.running[stream]
                except ray.exceptions.RayError as error:
                    del self.running[stream]
                    yield spec, Lost(lost_reason(error))
                else:
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
        self.running.clear()


def lost_reason(error: Exception) -> str:
    """One line of what Ray says, or the traceback when the task itself raised (a bug of ours)."""
    if isinstance(error, ray.exceptions.RayTaskError):
        raise error
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
