"""What a variable holds while a script is followed: labels in place of numbers.

A value has labels (where it comes from), maybe a constant (with the settings that it depends on), and maybe an object
with an identity: a function, an instance, a list, a table. Objects are shared and grow; values never change.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any, Final

Labels = frozenset[str]
NONE: Final[Labels] = frozenset()

VAL, TRAIN, GOLD, LOGITS, TOTAL = "val", "train", "gold", "logits", "total"
"""Validation text; training text; a price of the token that came; scores of all tokens; a sum or mean over tokens."""
LOGARITHM, PER_BYTE, BYTES = "ln", "perbyte", "bytes"
"""In logarithms; a price spread over a token's bytes; lengths in bytes."""

COUNT, PART = "count", "part"
"""How many tokens the validation text has; a part of that."""


class _Unset:
    """No constant is known."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@dataclass(eq=False)
class Thing:
    """Something with an identity."""

    kind: str
    """function, class, instance, network, leaf, optimizer, module, library, list, dict, array, generator, partial,
    bound, either, hook"""
    name: str = ""
    serial: int = 0
    """Of weights: their number."""
    fields: dict[Any, Value] = field(default_factory=dict)
    """Attributes, items of a dict by constant key, items of a list by position while these are known."""
    content: Labels = NONE
    """Labels of all that was ever put in."""
    node: ast.AST | None = None
    scope: Scope | None = None
    inner: Thing | None = None
    """Of a bound method, a partial or a view: what it stands on."""
    receiver: Value | None = None
    args: tuple[Value, ...] = ()
    keywords: dict[str, Value] = field(default_factory=dict)
    choices: tuple[Thing, ...] = ()
    loops: tuple[int, ...] = ()
    """Loops that were running when it was made."""


@dataclass(frozen=True, eq=False)
class Value:
    """One value."""

    labels: Labels = NONE
    const: Any = UNSET
    settings: frozenset[str] = NONE
    """Names of settings that the constant depends on."""
    thing: Thing | None = None

    @property
    def known(self) -> bool:
        return self.const is not UNSET

    @property
    def all(self) -> Labels:
        """Its labels, and those of what it holds."""
        return self.labels | self.thing.content if self.thing is not None else self.labels

    def plus(self, labels: Labels) -> Value:
        return self if labels <= self.labels else replace(self, labels=self.labels | labels)


NOTHING: Final = Value()


def of(labels: Labels) -> Value:
    return Value(labels) if labels else NOTHING


def same_constant(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a is not UNSET and bool(a == b)


def join(a: Value, b: Value) -> Value:
    """Either of two."""
    if a is b:
        return a
    same = same_constant(a.const, b.const)
    return Value(a.labels | b.labels, a.const if same else UNSET, a.settings | b.settings, either(a.thing, b.thing))


def either(a: Thing | None, b: Thing | None) -> Thing | None:
    """One thing for two that a value may be."""
    if a is b or b is None:
        return a
    if a is None:
        return b
    parts = {id(one): one for thing in (a, b) for one in (thing.choices if thing.kind == "either" else (thing,))}
    choices = tuple(parts.values())[:6]
    content: Labels = NONE
    for one in choices:
        content |= one.content
    return Thing("either", choices=choices, content=content)


def choices_of(thing: Thing | None) -> tuple[Thing, ...]:
    if thing is None:
        return ()
    return thing.choices if thing.kind == "either" else (thing,)


def starting(labels: Labels, prefix: str) -> Labels:
    """Those that begin so."""
    return frozenset(one for one in labels if one.startswith(prefix))


def in_order(labels: Labels, prefix: str) -> list[str]:
    """Those that begin so, by the serial behind it: what is chosen or told first must be the same in every run."""
    return sorted(starting(labels, prefix), key=lambda one: (int(one[len(prefix) :].split("@")[0]), one))


def weights(labels: Labels) -> Labels:
    return starting(labels, "w:")


@dataclass(eq=False)
class Scope:
    """Names of one call or one module; looks further out where it has none."""

    file: str
    outer: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    elsewhere: dict[str, Scope] = field(default_factory=dict)
    """Names declared global or nonlocal, and where they live."""
    returns: list[Value] = field(default_factory=list)
    unlikely: list[Value] = field(default_factory=list)
    """What it returns only under settings other than those known."""
    guards: int = 0
    """Guards that stood when it was called."""

    def find(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None

    def put(self, name: str, value: Value) -> None:
        self.elsewhere.get(name, self).names[name] = value

    def module(self) -> Scope:
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope


def joined(a: dict[str, Value], b: dict[str, Value]) -> dict[str, Value]:
    """Names after a branch that may have gone either way."""
    out = dict(a)
    for name, value in b.items():
        mine = out.get(name)
        out[name] = value if mine is None else join(mine, value)
    return out
