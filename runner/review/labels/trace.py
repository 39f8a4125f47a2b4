"""What a followed script did, in order: the only thing that rules read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from runner.review.answers import Place
from runner.review.labels.values import NONE, Labels


@dataclass(frozen=True)
class Guard:
    """A condition that a setting decides."""

    text: str
    """What holds inside it: NAME=VALUE where that says it, else the test as written."""
    holds: bool
    """Whether it held under the known settings."""
    needs: tuple[tuple[str, bool], ...] = ()
    """Settings that have to be on (True) or off for it, as far as its text says so."""
    settings: frozenset[str] = frozenset()
    """All settings that it depends on."""
    other_than: bool = False
    """It asks that a setting is not one certain number: no switch that anybody turns on."""


@dataclass(frozen=True)
class Loop:
    """One loop that was running."""

    serial: int
    kind: str
    """for, range, while, comprehension"""
    first_only: bool = False
    """The event is under a test that lets only the first round through."""


@dataclass(eq=False)
class Event:
    """One thing that happened."""

    kind: str
    """update, fit, price, score, report, read, write, ratio, pick, weight, store, load, file-read, file-write, …"""
    order: float
    """When it came: what only a second round showed comes between its neighbours."""
    place: Place
    loops: tuple[Loop, ...]
    guards: tuple[Guard, ...]
    stack: tuple[Place, ...]
    """Calls that led here, outermost first."""
    labels: Labels = NONE
    """Of what is used: the loss of an update, the price of a score, the key of a read."""
    other: Labels = NONE
    """Of what it is used on: weights of an update, table of a write."""
    about: str = ""
    function: str = ""
    """Function that it happened in."""
    serial: int = 0

    @property
    def holds(self) -> bool:
        """Whether all its guards held."""
        return all(one.holds for one in self.guards)

    @property
    def indexes(self) -> Labels:
        """Loops whose rounds its data differ in."""
        return frozenset(one for one in self.labels if one.startswith("i:"))


@dataclass
class Trace:
    """All events of one run, and why it ended early, if it did."""

    events: list[Event] = field(default_factory=list)
    by_serial: dict[int, Event] = field(default_factory=dict)
    cut: str = ""

    def sort(self) -> None:
        """Bring the events into their order."""
        self.events.sort(key=lambda one: one.order)

    def of(self, *kinds: str) -> Iterator[Event]:
        for event in self.events:
            if event.kind in kinds:
                yield event
