"""Where names are looked up."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.review.flow.values import Value, join


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
