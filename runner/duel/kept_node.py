"""One node for a whole duel: what its turns ask the cluster's queue, so that no other job comes between two turns.

Each turn is a run of its own with a backend of its own; to the queue they are one driver that holds one node from its
first turn to its last. Where that node has gone the next turn takes another one of the kind, and a pair that was
half done is marked then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.backends.fair_queue import Demand
from runner.backends.nodes import Need, Node

if TYPE_CHECKING:
    from runner.backends.cluster import QueueClient

BETWEEN = "between-turns"
"""Name under which the node is held while no turn has it."""


class KeptNode:
    """A queue client (runner.backends.cluster) for all turns of a duel."""

    def __init__(self, need: Need) -> None:
        """need: what the greater of both jobs takes; held for either."""
        self.need = need
        self.client: QueueClient | None = None
        self.host = ""
        """Where the next turn is to run, if that node lives; '' for anywhere."""
        self.node = ""
        """Ray's id of the node that is held."""
        self.driver, self.since, self.nodes = "", 0.0, list[Node]()

    def through(self, client: QueueClient) -> KeptNode:
        """The same, asking there: what a place's backend is made with."""
        self.client = client
        return self

    def allowed(self, living: Sequence[Node]) -> list[Node]:
        """Nodes on which the next turn may run."""
        same = [node for node in living if self.host and node.host == self.host]
        return same or list(living)

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        """A node for a turn: the one that is held, else one that the queue grants."""
        if self.client is None:
            return {}
        self.driver, self.since = self.driver or demand.driver, self.since or demand.since
        self.nodes = list(nodes)
        demand = replace(
            demand,
            driver=self.driver,
            since=self.since,
            waiting=tuple(replace(ticket, need=self.need) for ticket in demand.waiting),
            held={key: (node, self.need) for key, (node, _) in demand.held.items()},
        )
        if demand.held:
            self.node = next(iter(demand.held.values()))[0]
        first = demand.waiting[0] if demand.waiting else None
        here = any(node.id == self.node for node in self.allowed(nodes))
        if first is not None and here and not demand.held and self.node not in (*first.avoid, *first.refused):
            self.client.ask(replace(demand, waiting=(), held={first.key: (self.node, self.need)}), nodes)
            return {first.key: self.node}
        return self.client.ask(demand, nodes)

    def leave(self, driver: str) -> None:
        """A turn wants nothing more: its node is held for the next one."""
        if self.client is not None and self.node and self.driver:
            held = {BETWEEN: (self.node, self.need)}
            self.client.ask(Demand(self.driver, self.since, 1, 1, held=held), self.nodes)

    def release(self) -> None:
        """The duel has ended."""
        if self.client is not None and self.driver:
            self.client.leave(self.driver)
        self.node = ""
