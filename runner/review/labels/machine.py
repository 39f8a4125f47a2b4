"""The state of one run over a script, and how events get into its trace; what statements and calls do is above."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from runner.review.answers import Place
from runner.review.labels.trace import Event, Guard, Loop, Trace
from runner.review.labels.values import NONE, NOTHING, Labels, Scope, Thing, Value

MOST_STEPS = 700_000
"""Expressions and statements that are followed before a run is cut short: about six seconds."""
DEEPEST = 26
"""Calls inside calls that are followed."""


class Settings(Protocol):
    """What is known of the run."""

    def value_of(self, name: str) -> tuple[str, str] | None: ...


class CutShort(Exception):
    """The script needs more steps than a run may take."""


class Machine(ABC):
    """One run. `every` follows branches that the settings switch off too, under a guard that does not hold."""

    def __init__(self, settings: Settings, every: bool, trees: Mapping[str, ast.Module]) -> None:
        self.settings = settings
        self.every = every
        self.trees = trees
        self.trace = Trace()
        self.steps = 0
        self.serial = 0
        self.loops: list[Loop] = []
        self.pins: list[int] = []
        """Loops of which only the first round gets here."""
        self.asked: set[int] = set()
        """Loops whose round a test around this asks for."""
        self.exits: list[list[dict[str, Value]]] = []
        """What names held where a round of a loop was left early, innermost loop last."""
        self.unsure = 0
        """Branches around this that may not be taken."""
        self.guards: list[Guard] = []
        self.stack: list[tuple[str, Place, ast.AST]] = []
        self.again = 0
        """1 while a loop goes round first, 2 while it goes round again."""
        self.cursor = 0.0
        self.targets: Labels = NONE
        """Tokens that were priced and that the network had not been given."""
        self.seen: dict[tuple[Any, ...], Event] = {}
        self.things: dict[tuple[Any, ...], Thing] = {}
        self.consumers: list[Callable[[Value], None]] = []
        self.gradient: Labels = NONE
        self.disk: Labels = NONE
        self.prices: Labels = NONE
        """Prices that were written to files of arrays, as one rank hands them to another."""
        self.hooks: Labels = NONE
        """Weights that are watched: what runs through them is kept."""
        self.watchers: list[Value] = []
        """Functions that hooks call with what runs through."""
        self.weighed: dict[int, tuple[Labels, Labels]] = {}
        """Products of a price and a weight that knows its token."""
        self.owner: Labels = NONE
        """The network that is being built: its parts are its own."""
        self.modules: dict[str, Thing] = {}
        self.read_of: dict[str, tuple[str, str]] = {}
        self.file = ""
        self.counters: set[str] = set()
        """Attributes that are counted up somewhere: what they begin with says nothing."""

    def tick(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise CutShort

    def place(self, node: ast.AST) -> Place:
        return Place(self.file, getattr(node, "lineno", 1))

    def context(self, node: ast.AST) -> tuple[Any, ...]:
        """A node as reached by this chain of calls."""
        return (id(node), *(place.line for _, place, _ in self.stack))

    def next_serial(self) -> int:
        self.serial += 1
        return self.serial

    def thing(self, node: ast.AST, kind: str, name: str = "") -> Thing:
        """What is made here: the same one each time the same chain of calls comes by."""
        key = (kind, *self.context(node))
        made = self.things.get(key)
        if made is None:
            made = Thing(kind, name, self.next_serial(), loops=tuple(loop.serial for loop in self.loops), node=node)
            self.things[key] = made
        return made

    def emit(
        self, kind: str, node: ast.AST, labels: Labels = NONE, other: Labels = NONE, about: str = "", key: Any = None
    ) -> Event:
        """Write an event down; one that a second round through a loop repeats only grows."""
        sign = (kind, key, about, *self.context(node))
        known = self.seen.get(sign)
        if known is not None:
            known.labels |= labels
            known.other |= other
            self.cursor = known.order
            return known
        self.cursor = self.cursor + 1e-6 if self.again > 1 else float(len(self.trace.events) + 1)
        loops = tuple(Loop(one.serial, one.kind, one.serial in self.pins) for one in self.loops)
        event = Event(
            kind,
            self.cursor,
            self.place(node),
            loops,
            tuple(dict.fromkeys(self.guards)),
            tuple(place for _, place, _ in self.stack),
            labels,
            other,
            about,
            self.stack[-1][0] if self.stack else "",
            self.next_serial(),
        )
        self.seen[sign] = event
        self.trace.events.append(event)
        self.trace.by_serial[event.serial] = event
        return event

    # What the layers above define.

    @abstractmethod
    def value(self, node: ast.expr | None, scope: Scope) -> Value:
        """What `node` holds."""

    @abstractmethod
    def apply(
        self, called: Value, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        """What calling `called` gives."""

    @abstractmethod
    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Put a value where the script puts it."""

    @abstractmethod
    def each(self, many: Value, node: ast.AST, do: Callable[[Value], None]) -> None:
        """Once round for every item of `many`."""

    @abstractmethod
    def load_module(self, name: str) -> Value | None:
        """A module beside the script, run once; None where none of that name lies there."""

    @abstractmethod
    def block(self, statements: list[ast.stmt], scope: Scope) -> bool:
        """Run statements; whether control leaves the block early."""


VAL_WORD = re.compile(r"(?:^|[^a-z])val(?:id|idation)?(?:[^a-z]|$)")
TRAIN_WORD = re.compile(r"(?:^|[^a-z])train(?:ing)?(?:[^a-z]|$)")
EVERY_SHARD = re.compile(r"(?:^|/)\*+\.bin$")
"""A glob over all shards: sorted, those of training come first."""
PATH_LIKE = re.compile(r"\*|\.(?:bin|npy|npz|pt)\b|fineweb|(?:^|/)(?:val|valid|validation|train)(?:/|$)")


def labels_of_text(text: str) -> Labels:
    """Whose text a path or a glob names."""
    low = text.lower()
    if len(low) > 200 or " " in low or not PATH_LIKE.search(low) or low.endswith((".py", ".log", ".txt")):
        return NONE
    found = {"val"} if VAL_WORD.search(low) else set()
    if TRAIN_WORD.search(low) or EVERY_SHARD.search(low):
        found.add("train")
    return frozenset(found)


def text_value(text: str) -> Value:
    labels = labels_of_text(text)
    return Value(labels, text)


__all__ = ["DEEPEST", "MOST_STEPS", "NOTHING", "CutShort", "Machine", "Settings", "labels_of_text", "text_value"]
