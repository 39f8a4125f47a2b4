"""Loops: what one round leaves to the next, and ways out of a round."""

from __future__ import annotations

import ast
from dataclasses import replace

from runner.review.flow.branches import Branches
from runner.review.labels.values import GOLD, Labels, Scope, Value, joined, starting
from runner.review.nodes import remembered, walk


class Loops(Branches):
    """Loops."""

    def _do_for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> bool:
        many = self.value(node.iter, scope)
        before = dict(scope.names)
        self._forget(node, scope)
        stored = stored_in(node)

        def one(item: Value) -> None:
            self._aged(stored, scope)
            self.assign(node.target, item, scope)
            self._round(node.body, scope)

        self.each(many, node, one)
        scope.names = joined(before, scope.names) if self.unsure else scope.names
        self._otherwise(node.orelse, scope)
        return False

    _do_asyncfor = _do_for

    def _otherwise(self, statements: list[ast.stmt], scope: Scope) -> None:
        """The `else` of a loop, which `break` passes by."""
        if statements:
            before = dict(scope.names)
            self.block(statements, scope)
            scope.names = joined(before, scope.names)

    def _do_while(self, node: ast.While, scope: Scope) -> bool:
        self._forget(node, scope)
        test = self.value(node.test, scope)
        if test.known and not test.const and not (self.every and test.settings):
            return self.block(node.orelse, scope)
        stored = stored_in(node)
        moving = stored & {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)}

        def once(index: Labels) -> None:
            self._aged(stored, scope)
            for name in moving:
                value = scope.find(name)
                if value is not None:
                    scope.put(name, Value(value.labels | index, thing=value.thing))
            self._round(node.body, scope)
            self.value(node.test, scope)

        self.rounds(node, "while", once)
        self._otherwise(node.orelse, scope)
        return False

    def _round(self, statements: list[ast.stmt], scope: Scope) -> None:
        """One round: what holds after it holds on some way out of it, `break` and `continue` included."""
        at_start = dict(scope.names)
        self.exits.append([])
        ended = self.block(statements, scope)
        ways = self.exits.pop()
        if not ended:
            ways.append(scope.names)
        out = ways[0] if ways else at_start
        for other in ways[1:]:
            out = joined(out, other)
        scope.names = out

    def _aged(self, names: frozenset[str], scope: Scope) -> None:
        """What a variable holds when a round begins was read in an earlier one."""
        for name in names:
            value = scope.names.get(name)
            if value is not None and GOLD in value.labels and "older" not in value.labels:
                value = scope.names[name] = value.plus(frozenset({"older"}))
            if value is not None and starting(value.labels, "tok:"):
                labels = frozenset("past:" + one[4:] if one.startswith("tok:") else one for one in value.labels)
                scope.names[name] = replace(value, labels=labels)

    def _forget(self, loop: ast.AST, scope: Scope) -> None:
        """Constants do not outlast a loop that changes them."""
        for name in stored_in(loop):
            value = scope.names.get(name)
            if value is not None and value.known:
                scope.names[name] = Value(value.labels, thing=value.thing)


@remembered
def stored_in(loop: ast.AST) -> frozenset[str]:
    """Names that the body of a loop gives a value."""
    assert isinstance(loop, (ast.For, ast.AsyncFor, ast.While))
    return frozenset(
        one.id
        for top in loop.body
        for one in walk(top)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    )
