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

from runner.nodes import Need, Room

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

    def fits(self, room: Room) -> bool:
        """Whether the node, all of it free, can take it."""
        return room.node not in self.refused and self.need.fits(room)


@dataclass(frozen=True)
class Wish:
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


class Turns:
    """The queue. `ask` is its one door."""

    def __init__(self) -> None:
        self.wishes: dict[str, Wish] = {}
        self.heard: dict[str, float] = {}
        self.granted: dict[str, dict[str, tuple[str, Need]]] = {}
        """Driver -> key -> node, for grants that the driver has not yet said it holds."""
        self.passed: dict[str, int] = {}
        """Driver -> starts of later jobs on nodes that it was waiting for."""

    def ask(self, wish: Wish, rooms: Sequence[Room], now: float) -> dict[str, str]:
        """Grants for this driver: key of a waiting ticket -> node id.

        rooms: living nodes. now: seconds on any clock that does not go back.
        """
        self.wishes[wish.driver], self.heard[wish.driver] = wish, now
        wanted = {ticket.key for ticket in wish.waiting}
        mine = self.granted.setdefault(wish.driver, {})
        self.granted[wish.driver] = {key: grant for key, grant in mine.items() if key in wanted}
        for driver in [driver for driver, heard in self.heard.items() if now - heard > SILENT_S]:
            self.forget(driver)
        self._grant(rooms)
        return {key: node for key, (node, _) in self.granted[wish.driver].items()}

    def forget(self, driver: str) -> None:
        """Drop a driver and all that it held."""
        for kept in (self.wishes, self.heard, self.granted, self.passed):
            kept.pop(driver, None)

    def _grant(self, rooms: Sequence[Room]) -> None:
        kept_back: set[str] = set()
        """Nodes that an earlier job has waited for long enough."""
        before: list[tuple[Wish, Ticket]] = []
        """Tickets of earlier jobs that found no node."""
        for wish in sorted(self.wishes.values(), key=lambda one: (one.since, one.driver)):
            unserved = []
            for ticket in wish.waiting:
                if ticket.key in self.granted[wish.driver]:
                    continue
                room = self._place(wish, ticket, [room for room in rooms if room.node not in kept_back])
                if room is None:
                    unserved.append((wish, ticket))
                    continue
                self.granted[wish.driver][ticket.key] = (room.node, ticket.need)
                for driver in {other.driver for other, waiting in before if waiting.fits(room)}:
                    self.passed[driver] = self.passed.get(driver, 0) + 1
                kept_back |= self._due(before, rooms)
            before += unserved
            kept_back |= self._due(before, rooms)

    def _due(self, before: Sequence[tuple[Wish, Ticket]], rooms: Sequence[Room]) -> set[str]:
        """Nodes that nobody behind may take any more."""
        due = [ticket for wish, ticket in before if self.passed.get(wish.driver, 0) >= wish.seeds]
        return {room.node for room in rooms if any(ticket.fits(room) for ticket in due)}

    def _place(self, wish: Wish, ticket: Ticket, rooms: Sequence[Room]) -> Room | None:
        free = [room for room in rooms if ticket.fits(room) and self._is_free(wish, ticket, room)]
        return min(free, key=lambda room: (room.node in ticket.avoid, room.gpus, room.cpus), default=None)

    def _is_free(self, wish: Wish, ticket: Ticket, room: Room) -> bool:
        on_it = [
            (driver, need)
            for driver in self.wishes
            for node, need in {**self.granted[driver], **self.wishes[driver].held}.values()
            if node == room.node
        ]
        if on_it and (ticket.need.alone or any(need.alone for _, need in on_it)):
            return False
        if sum(driver == wish.driver for driver, _ in on_it) >= wish.side_by_side:
            return False
        cpus, gpus = sum(need.cpus for _, need in on_it), sum(need.gpus for _, need in on_it)
        return room.cpus - cpus >= ticket.need.cpus and room.gpus - gpus >= ticket.need.gpus
