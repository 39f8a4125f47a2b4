"""Whose turn it is on which node: the queue of all jobs that share a cluster. Pure; the clock is a parameter.

Jobs are served first come, first served, and a job's seeds in their order. A later job may start on a node that an
earlier one could use but cannot have yet (it wants the node alone and somebody is on it), so that nothing stands
idle; yet no waiting job is passed over more often than it has seeds: then the nodes it could use are kept for it.

Drivers tell all they want and hold each time they ask, so a queue that was lost with its node is whole again after
the next question of each, and a driver that has been silent for SILENT_S is taken for dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.backends.nodes import Need, Node

SILENT_S = 30.0
"""Longest time between two questions of a driver that lives."""


@dataclass(frozen=True)
class Ticket:
    """One seed that waits for a node."""

    key: str
    need: Need
    avoid: tuple[str, ...] = ()
    """Node ids taken only where no other will do: an attempt was lost there."""
    refused: tuple[str, ...] = ()
    """Node ids that are no good for it: a check failed there."""

    def fits(self, node: Node) -> bool:
        """Whether the node, all of it free, can take it."""
        return node.id not in self.refused and self.need.fits(node)

    def is_like(self, other: Ticket) -> bool:
        """Whether both may go to the same nodes."""
        return (self.need, self.avoid, self.refused) == (other.need, other.avoid, other.refused)


@dataclass(frozen=True)
class Demand:
    """All that a driver wants and holds, told whenever it asks."""

    driver: str
    since: float
    """When its job was queued, seconds since the epoch: decides who is first."""
    seeds: int
    """Seeds of its job: how often it may be passed over."""
    side_by_side: int
    """Its seeds on one node, at most."""
    waiting: tuple[Ticket, ...] = ()
    held: Mapping[str, tuple[str, Need]] = field(default_factory=dict)
    """Key -> node and what is taken of it."""


@dataclass
class Load:
    """What is taken of one node."""

    cpus: int = 0
    gpus: int = 0
    alone: bool = False
    seeds: dict[str, int] = field(default_factory=dict)
    """Driver -> its seeds there."""

    def add(self, driver: str, need: Need) -> None:
        """One more seed."""
        self.cpus, self.gpus, self.alone = self.cpus + need.cpus, self.gpus + need.gpus, self.alone or need.alone
        self.seeds[driver] = self.seeds.get(driver, 0) + 1

    def has_room(self, node: Node) -> bool:
        """Whether any seed at all might start here."""
        return not self.alone and node.cpus > self.cpus

    def takes(self, demand: Demand, need: Need, node: Node) -> bool:
        """Whether this seed may start here."""
        if self.alone or (need.alone and self.seeds) or self.seeds.get(demand.driver, 0) >= demand.side_by_side:
            return False
        return node.cpus - self.cpus >= need.cpus and node.gpus - self.gpus >= need.gpus


class FairQueue:
    """The queue. `ask` is its one door."""

    def __init__(self) -> None:
        self.demands: dict[str, Demand] = {}
        self.heard: dict[str, float] = {}
        self.granted: dict[str, dict[str, tuple[str, Need]]] = {}
        """Driver -> key -> node, for grants that the driver has not yet said it holds."""
        self.passed: dict[str, int] = {}
        """Driver -> starts of later jobs on nodes that it was waiting for."""

    def ask(self, demand: Demand, nodes: Sequence[Node], now: float) -> dict[str, str]:
        """Grants for this driver: key of a waiting ticket -> node id.

        nodes: living nodes. now: seconds on any clock that does not go back.
        """
        self.demands[demand.driver], self.heard[demand.driver] = demand, now
        # A grant whose ticket still waits was not taken up; on a node that died or was given back it never will be.
        waiting, living = {ticket.key: ticket for ticket in demand.waiting}, {node.id for node in nodes}
        self.granted[demand.driver] = {
            key: (node, need)
            for key, (node, need) in self.granted.get(demand.driver, {}).items()
            if key in waiting and node in living and node not in (*waiting[key].avoid, *waiting[key].refused)
        }
        for driver in [driver for driver, heard in self.heard.items() if now - heard > SILENT_S]:
            self.forget(driver)
        self._grant(nodes)
        return {key: node for key, (node, _) in self.granted[demand.driver].items()}

    def forget(self, driver: str) -> None:
        """Drop a driver and all that it held."""
        for kept in (self.demands, self.heard, self.granted, self.passed):
            kept.pop(driver, None)

    def _grant(self, nodes: Sequence[Node]) -> None:
        loads = self._loads()
        empty = Load()
        usable = [node for node in nodes if loads.get(node.id, empty).has_room(node)]
        """Nodes on which anybody could start; of a busy cluster few or none, which is what makes asking cheap."""
        if not usable:
            return
        kept_back: set[str] = set()
        """Nodes that an earlier job has waited for long enough."""
        before: list[tuple[Demand, Ticket]] = []
        """Tickets of earlier jobs that found no node, one of each kind."""
        for demand in sorted(self.demands.values(), key=lambda one: (one.since, one.driver)):
            granted = self.granted[demand.driver]
            places: list[tuple[Ticket, list[Node]]] = []
            """Of each kind of ticket: where it may go yet, best last. Within one pass nodes only fill up."""
            for ticket in demand.waiting:
                if ticket.key in granted:
                    continue
                free = next((free for kind, free in places if kind.is_like(ticket)), None)
                if free is None:
                    free = _by_preference(ticket, usable)
                    places.append((ticket, free))
                while free and not (
                    free[-1].id not in kept_back
                    and loads.setdefault(free[-1].id, Load()).takes(demand, ticket.need, free[-1])
                ):
                    free.pop()
                if not free:
                    continue
                node = free[-1]
                granted[ticket.key] = (node.id, ticket.need)
                loads[node.id].add(demand.driver, ticket.need)
                for driver in {other.driver for other, waiting in before if waiting.fits(node)}:
                    self.passed[driver] = self.passed.get(driver, 0) + 1
                self._keep_back(kept_back, before, usable)
            before += [(demand, kind) for kind, free in places if not free]
            self._keep_back(kept_back, before, usable)

    def _loads(self) -> dict[str, Load]:
        """What is held and granted on each node, in one pass."""
        loads: dict[str, Load] = {}
        for driver, demand in self.demands.items():
            for node, need in {**self.granted[driver], **demand.held}.values():
                loads.setdefault(node, Load()).add(driver, need)
        return loads

    def _keep_back(self, kept: set[str], before: Sequence[tuple[Demand, Ticket]], nodes: Sequence[Node]) -> None:
        """Add the nodes that nobody behind may take any more."""
        due = [ticket for demand, ticket in before if self.passed.get(demand.driver, 0) >= demand.seeds]
        if due:
            kept |= {node.id for node in nodes if any(ticket.fits(node) for ticket in due)}


def _by_preference(ticket: Ticket, nodes: Sequence[Node]) -> list[Node]:
    """The nodes that fit, best last: not avoided, then the smallest, then the first told."""
    fitting = [node for node in nodes if ticket.fits(node)]
    fitting.sort(key=lambda node: (node.id in ticket.avoid, node.gpus, node.cpus))
    return fitting[::-1]
