"""Values made of values: lists, dictionaries, comprehensions, what is taken out of them and where it is put."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from pathlib import PurePosixPath
from typing import Any

from runner.review.source.known_values import Budget, Exhausted, Module, Scope, Stream, Unfoldable, Unknown

LARGEST = 1 << 64


class Items(ABC):
    """Collections. What an expression is worth, and what a call means, classes above say."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.steps_of: dict[bytes | str, tuple[str, ...]] = {}
        """How a value was decoded."""

    @abstractmethod
    def fold(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression; Unfoldable where the script's constants do not say."""

    @abstractmethod
    def effect(self, function: Any, node: ast.Call, scope: Scope) -> Any:
        """The value of a call of `function`, Unknown where that is not known; Unfoldable where there is none."""

    @abstractmethod
    def file_method(self, owner: PurePosixPath | Stream, node: ast.Call, scope: Scope) -> Any:
        """The value of a method of a path or an open file; Unfoldable where there is none."""

    def known(self, value: Any, *of: Any) -> Any:
        """A value on its way out: within the budget, and with the history of what it was made of."""
        if isinstance(value, (bytes, str)):
            self.budget.bytes(len(value))
            history = next((self.steps_of[one] for one in of if hashable(one) and one in self.steps_of), ())
            if history and len(value) > 40:
                self.steps_of.setdefault(value, history)
        elif isinstance(value, (list, tuple, dict, set)):
            self.budget.bytes(8 * len(value))
            for one in value if len(value) <= 64 and any(hashable(part) for part in of) else ():
                if hashable(one):  # the pieces of a text that was split
                    self.known(one, *of)
        elif isinstance(value, int) and not -LARGEST < value < LARGEST:
            raise Unfoldable("a number of too many digits")
        return value

    def note(self, value: bytes | str, source: Any, step: str) -> None:
        """Remember that `value` was decoded from `source` by `step`."""
        before = self.steps_of.get(source, ()) if hashable(source) else ()
        self.steps_of[value] = (*before, step)

    def _Tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(self._items(node.elts, scope))

    def _List(self, node: ast.List, scope: Scope) -> Any:
        return self._items(node.elts, scope)

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        found: list[Any] = []
        for one in nodes:
            if isinstance(one, ast.Starred):
                found += self.iterate(self.fold(one.value, scope))
            else:
                found.append(self.fold(one, scope))
        return found

    def _Dict(self, node: ast.Dict, scope: Scope) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.update(self.fold(value, scope))
                continue
            name = self.fold(key, scope)
            try:
                made[name] = self.fold(value, scope)
            except Exhausted:
                raise
            except Unfoldable:
                made[name] = Unknown()
        return made

    def _Subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        value = self.fold(node.value, scope)
        if isinstance(value, Module):
            value = value.names
        if isinstance(node.slice, ast.Slice):
            bounds = [
                None if one is None else self.fold(one, scope)
                for one in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            if not isinstance(value, (str, bytes, list, tuple, range)):
                raise Unfoldable("a part of something else")
            return self.known(value[slice(*bounds)], value)
        key = self.fold(node.slice, scope)
        if not isinstance(value, (str, bytes, list, tuple, dict, range)):
            raise Unfoldable("a part of something else")
        found = value[key]
        if isinstance(found, Unknown):
            raise Unfoldable("an item that is not known")
        return found

    def _GeneratorExp(self, node: ast.GeneratorExp, scope: Scope) -> Any:
        return self._comprehended(node.elt, node.generators, scope)

    def _ListComp(self, node: ast.ListComp, scope: Scope) -> Any:
        return self._comprehended(node.elt, node.generators, scope)

    def _SetComp(self, node: ast.SetComp, scope: Scope) -> Any:
        return self._comprehended(node.elt, node.generators, scope)

    def _DictComp(self, node: ast.DictComp, scope: Scope) -> Any:
        pair = ast.Tuple(elts=[node.key, node.value], ctx=ast.Load())
        return dict(self._comprehended(pair, node.generators, scope))

    def _comprehended(self, element: ast.expr, generators: list[ast.comprehension], scope: Scope) -> list[Any]:
        if not generators:
            return [self.fold(element, scope)]
        first, *rest = generators
        inner = Scope({}, scope)
        found: list[Any] = []
        for value in self.iterate(self.fold(first.iter, scope)):
            self.budget.step()
            self.assign(first.target, value, inner)
            if all(self.fold(test, inner) for test in first.ifs):
                found += self._comprehended(element, rest, inner)
        return found

    def iterate(self, value: Any) -> list[Any]:
        """What a loop over a value goes through."""
        if isinstance(value, range):
            self.budget.bytes(8 * len(value))
            return list(value)
        if isinstance(value, (str, bytes, list, tuple, dict, set)):
            self.budget.bytes(8 * len(value))
            return list(value)
        raise Unfoldable("a loop over something else")

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give names their values; a target that is no name keeps none."""
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            known = isinstance(value, (list, tuple)) and len(value) == len(target.elts)
            for index, one in enumerate(target.elts):
                self.assign(one, value[index] if known else Unknown(), scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, Unknown(), scope)
        elif isinstance(target, ast.Subscript):
            try:
                owner, key = self.fold(target.value, scope), self.fold(target.slice, scope)
                if isinstance(owner, (dict, list)):
                    owner[key] = value
            except (Unfoldable, TypeError, IndexError):
                return
        elif isinstance(target, ast.Attribute):
            try:
                owner = self.fold(target.value, scope)
            except Unfoldable:
                return
            if isinstance(owner, Module):
                owner.names[target.attr] = value


def hashable(value: Any) -> bool:
    return isinstance(value, (bytes, str))
