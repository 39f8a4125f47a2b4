"""What a seed that has not started waits for, in words. Pure; whose turn it is on a cluster, its queue decides."""

from __future__ import annotations

from runner.backends.nodes import Need
from runner.listing import counted


def waits_for(need: Need, running: int, most: int | None = None, *, local: bool = False) -> str:
    """`waits for a core`. need: what a seed takes of a node; running: seeds of its run that run.

    most: seeds of the run that run at a time at most, None where that is not known; local: one runs after the other.
    """
    if not running:
        return "waits for a node"
    if local:
        return "waits its turn: one seed after the other"
    if most is not None and running >= most:
        return f"waits for a seed to end: {most:,} at a time"
    if need.alone:
        return "waits for a node to itself"
    if need.gpus:
        return "waits for a GPU" if need.gpus == 1 else f"waits for {counted(need.gpus, 'GPU')} of one node"
    return "waits for a core" if need.cpus == 1 else f"waits for {counted(need.cpus, 'core')} of one node"
