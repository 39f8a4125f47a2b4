"""What runs on the nodes of a Ray cluster for one attempt, and what Ray says when that is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import ray
import ray.exceptions

from runner.job.open_data import DataRequest, open_requested
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message
from runner.node.node_check import CheckOrder, check_node
from runner.node.orphans import end_halted
from runner.results.nodes import NodeReport


@ray.remote(max_retries=0, num_cpus=0)
def check_task(order: CheckOrder, data: DataRequest) -> NodeReport:
    """`check_node` on whichever node Ray chose; takes nothing of it, since its seed has been granted it already."""
    return check_node(order, partial(open_requested, data), ray.get_runtime_context().get_node_id())


@ray.remote(max_retries=0, num_returns="streaming")
def attempt_task(spec: AttemptSpec, data: DataRequest) -> Iterator[Message]:
    """`run_attempt` on whichever node Ray chose."""
    node = ray.get_runtime_context().get_node_id()
    yield from run_attempt(spec, partial(open_requested, data), node)


@ray.remote(max_retries=0, num_cpus=0)
def look_task(pid: int, marker: str) -> bool:
    """`end_halted` on the attempt's node: whether it was halted."""
    return end_halted(pid, marker)


def task_name(spec: AttemptSpec) -> str:
    """`job/seedN/aK`, as Ray's dashboard shows it."""
    return f"{spec.job}/seed{spec.seed}/a{spec.attempt}"


def lost_reason(error: Exception) -> str:
    """One line of what Ray says, or the traceback when the task itself raised (a bug of ours).

    Where it was the node's system that refused something, such as a folder on a full disk, another node may do.
    """
    if isinstance(error, ray.exceptions.RayTaskError):
        if isinstance(error.cause, OSError):
            return f"on the node: {error.cause}"
        raise error
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
