"""Nodes: what each offers, which of them can take a seed, and what is said when none can.

Pure but for `this_node`, which asks this machine. A cluster's nodes are read where Ray is (runner.backends.cluster).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.job.hardware import Hardware, accelerator_of
from runner.listing import counted
from runner.machine import usable_cpus
from runner.node.gpus import gpu_names

RESOURCE = "accelerator_type:"
"""How Ray names the resource by which it counts a node's accelerators of one type."""


@dataclass(frozen=True)
class Node:
    """What one node offers."""

    cpus: int
    gpus: int
    accelerator: str = ""
    """As Ray names it; empty where there is none or its type is not known."""
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str = "local"
    """Ray's node id, or `local`."""
    host: str = ""

    def __str__(self) -> str:
        named = f"{self.gpus}x {self.accelerator}" if self.accelerator else f"{self.gpus} GPUs"
        return f"{named} and {self.cpus} CPUs"

    def is_of(self, hardware: Hardware) -> bool:
        """Whether this node carries every label of a profile; how much of it is free is another question."""
        if hardware.accelerator and self.accelerator != hardware.accelerator:
            return False
        return all(self.labels.get(name) == value for name, value in hardware.labels.items())


@dataclass(frozen=True)
class Need:
    """What one seed takes of a node."""

    hardware: Hardware
    cpus: int
    gpus: int
    alone: bool = False
    """The whole node, whatever it has."""

    def __str__(self) -> str:
        return str(Node(self.cpus, self.gpus, self.hardware.accelerator))

    def fits(self, node: Node) -> bool:
        """Whether a node, all of it free, can take a seed."""
        return node.cpus >= self.cpus and node.gpus >= self.gpus and node.is_of(self.hardware)


def inventory(nodes: Sequence[Node]) -> str:
    """The nodes for people, equal ones counted, most GPUs first.

    As in: `2 nodes of 1x GB10 and 20 CPUs; 1 node of 0 GPUs and 4 CPUs`.
    """
    kinds = Counter(str(node) for node in sorted(nodes, key=lambda node: (-node.gpus, str(node))))
    return "; ".join(f"{counted(n, 'node')} of {kind}" for kind, n in kinds.items()) or "no node at all"


def node_of(hardware: Hardware) -> Node:
    """A node as a profile describes it, with more CPUs than anyone wants: of those a profile says nothing."""
    return Node(sys.maxsize, hardware.gpus, hardware.accelerator, hardware.labels)


def this_node() -> Node:
    """This machine."""
    names = gpu_names()
    kinds = {accelerator_of(name) for name in names}
    return Node(usable_cpus(), len(names), kinds.pop() if len(kinds) == 1 else "")
