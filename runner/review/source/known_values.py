"""What a value is while a script is worked out as data: names, functions, files, and what it may cost."""

from __future__ import annotations

import ast
import time
from dataclasses import dataclass, field
from typing import Any

from runner.review.source.decoders import MOST

MOST_STEPS = 2_000_000
MOST_SECONDS = 20.0
MOST_BUILT = 512 << 20
"""Bytes of all values of one script together."""
BUILTINS = frozenset(
    (
        *("exec", "eval", "compile", "open", "bytes", "str", "int", "bytearray", "chr", "ord", "len", "range", "zip"),
        *(
            "enumerate",
            "list",
            "tuple",
            "dict",
            "reversed",
            "sorted",
            "map",
            "filter",
            "getattr",
            "__import__",
            "repr",
        ),
        *("globals", "locals", "vars", "print", "isinstance", "hasattr", "min", "max", "sum", "memoryview", "set"),
    )
)


class Unfoldable(Exception):
    """A value that is not known from the script's own constants and files."""


class Exhausted(Unfoldable):
    """The budget of one script is spent: nothing more of it is worked out."""


@dataclass(frozen=True)
class Dotted:
    """A module, or something of one, by its full name."""

    name: str


@dataclass(frozen=True)
class Unknown:
    """A name whose value is not known, and why where somebody could tell."""

    why: str = ""


@dataclass
class Function:
    """A function or lambda of the script, and the names that it sees."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope


@dataclass
class Module:
    """A module that the script makes: `types.ModuleType(name)`."""

    name: str
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class Stream:
    """An open file, or bytes that are read like one."""

    content: bytes | str | None
    path: str = ""
    text: bool = False
    written: bool = False


@dataclass
class Scope:
    """Names of a function, or of the module."""

    names: dict[str, Any]
    outer: Scope | None = None

    def get(self, name: str) -> Any:
        """The value; Unfoldable where it is not known."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                value = scope.names[name]
                if isinstance(value, Unknown):
                    raise Unfoldable(f"{name} is not known")
                return value
            scope = scope.outer
        if name in BUILTINS:
            return Dotted(f"builtins.{name}")
        raise Unfoldable(f"{name} is not known")


class Budget:
    """Steps, bytes and seconds that one script may take."""

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.built = MOST_BUILT
        self.until = time.monotonic() + MOST_SECONDS
        self.depth = 0

    def step(self) -> None:
        """One more; Exhausted when there are none left."""
        self.steps -= 1
        if self.steps < 0 or (self.steps % 4096 == 0 and time.monotonic() > self.until):
            self.steps = -1
            raise Exhausted("working it out takes too long")

    def bytes(self, size: int) -> None:
        """So many more, for one value; Unfoldable for too large a value, Exhausted when all are spent."""
        if size > MOST:
            raise Unfoldable(f"a value of more than {MOST:,} bytes")
        self.built -= size
        if self.built < 0:
            raise Exhausted("its values take too much memory")
