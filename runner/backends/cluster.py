"""A Ray cluster: joining or starting one, its nodes, and the queue that all drivers on it share.

What runs there is not here (runner.backends.ray_backend), nor who comes first (runner.backends.fair_queue).
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import ray
import ray.exceptions

from runner.backends.endpoint_probe import WEB, answering_kind
from runner.backends.fair_queue import Demand, FairQueue
from runner.backends.head_facts import find_cluster, head_of_dashboard, require_joinable
from runner.backends.nodes import RESOURCE, Node
from runner.backends.ray_environment import tighten_token
from runner.errors import UserError
from runner.job.hardware import ACCELERATOR_LABEL

OBJECT_STORE_BYTES = 256 << 20
NAMESPACE, QUEUE = "golf", "fair-queue"
ANSWER_S = 30.0
"""Longest wait for a task's first word; a node may have to start a worker for it."""
ASK_S = 20.0
"""Longest wait for the shared queue before it is taken for lost."""


def connect(address: str | None, cpus: int | None = None) -> None:
    """Join the cluster at `address`, or start one on this machine that ends with this process.

    address: host:port of a head node, or of a cluster's dashboard, or auto; cpus: what a cluster started here
    offers; None counts the machine's.
    """
    local = address is None
    if address is not None:
        head = head_at(address)
        require_joinable(head, address)
        address = head
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            num_cpus=cpus if local else None,
            include_dashboard=False if local else None,
            object_store_memory=OBJECT_STORE_BYTES if local else None,
        )
    except Exception as error:
        # Of a node that did not come up in time Ray raises an Exception of no kind; any other kind is our fault.
        if type(error) is not Exception and not isinstance(error, ConnectionError | ValueError | RuntimeError):
            raise
        raise UserError(not_joined(address, error)) from error
    tighten_token()
    if not local:
        require_answers(str(address))


def not_joined(address: str | None, error: Exception) -> str:
    """What is told where Ray did not start here (no address), or the cluster could not be joined."""
    told = str(error).strip()
    first = told.splitlines()[0].rstrip(".") if told else type(error).__name__
    if address is None:
        return (
            f"could not start Ray on this machine: {first}. Where the machine is busy or short of memory, give the "
            "command again later; --local runs without Ray"
        )
    return (
        f"could not reach a Ray cluster at {address}: {first}. Check the address (host:port of the head node) and "
        "that this machine has the cluster's token in ~/.ray/auth_token, or leave the address out to run on this "
        "machine"
    )


def head_at(address: str) -> str:
    """host:port of the head node of the cluster at `address`; UserError where nobody answers."""
    found = find_cluster() if address == "auto" else address
    if "://" not in found and answering_kind(found, address) != WEB:
        return found
    from runner.backends.remote import connect_jobs, node_summary

    return head_of_dashboard(node_summary(connect_jobs(found)), address)


@ray.remote(num_cpus=0, max_retries=0, num_returns="streaming")
def _say_something() -> Iterator[bool]:
    """The shortest stream there is."""
    yield True


def require_answers(address: str) -> None:
    """UserError unless what a task on the cluster says reaches this driver: streams were seen to stay silent for ever
    where driver and cluster do not both use token authentication, or where a firewall lets only one side call."""
    stream: Any = _say_something.remote()
    ready, _ = ray.wait([stream], timeout=ANSWER_S)
    if not ready:
        ray.cancel(stream, force=True)
        mode = os.environ.get("RAY_AUTH_MODE", "not set")
        raise UserError(
            f"--address {address}: the cluster takes tasks, but what they say does not reach this driver within "
            f"{ANSWER_S:g} s. Either both or neither must use Ray's token authentication (RAY_AUTH_MODE is {mode} "
            "here; start its nodes with RAY_AUTH_MODE=token and the same token), and its nodes must be able to "
            "open connections to this machine; where they cannot, use golf submit"
        )


def cluster_nodes() -> list[Node]:
    """What each living node offers; its accelerator by label, or by the resource that Ray names after its type."""
    return [node_of(node) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def node_of(node: Mapping[str, Any]) -> Node:
    """One of Ray's descriptions of a node."""
    resources, labels = node["Resources"], dict(node.get("Labels") or {})
    typed = [name.removeprefix(RESOURCE) for name in resources if name.startswith(RESOURCE)]
    return Node(
        cpus=int(resources.get("CPU", 0)),
        gpus=int(resources.get("GPU", 0)),
        accelerator=labels.get(ACCELERATOR_LABEL) or (typed[0] if len(typed) == 1 else ""),
        labels=labels,
        id=node["NodeID"],
        host=node.get("NodeManagerHostname", ""),
    )


def session_logs() -> Path | None:
    """The folder of this node's logs, which the dashboard shows; None where Ray does not say."""
    node = getattr(ray._private.worker, "_global_node", None)
    try:
        return None if node is None else Path(node.get_logs_dir_path())
    except AttributeError:
        return None


def head_address() -> str:
    """host:port of the control service of the cluster that was joined."""
    return str(ray.get_runtime_context().gcs_address)


class QueueClient(Protocol):
    """Where a driver asks whose turn it is."""

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        """Key of a waiting ticket -> node id."""

    def leave(self, driver: str) -> None:
        """The driver wants nothing more."""


class LocalQueue:
    """The queue of a cluster that only this driver uses."""

    def __init__(self) -> None:
        self.queue = FairQueue()

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        return self.queue.ask(demand, nodes, time.monotonic())

    def leave(self, driver: str) -> None:
        self.queue.forget(driver)


class SharedQueue:
    """The queue of a cluster that others use, too: one detached actor; it is made anew should it be lost."""

    def __init__(self) -> None:
        self.actor: Any = None

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        try:
            self.actor = self.actor or _queue_actor()
            granted: dict[str, str] = ray.get(self.actor.ask.remote(demand, nodes), timeout=ASK_S)
        except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
            self.actor = None
            return {}
        return granted

    def leave(self, driver: str) -> None:
        with contextlib.suppress(ray.exceptions.RayError):
            if self.actor is not None:
                ray.get(self.actor.leave.remote(driver), timeout=ASK_S)


def _queue_actor() -> Any:
    options = {"name": QUEUE, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True, "num_cpus": 0}
    options |= {"enable_task_events": False}  # its questions are no tasks that anybody wants to see listed
    return ray.remote(LocalQueue).options(**options).remote()
