"""Branches: what settings decide, and under which condition what happens in them happens."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from runner.review.flow.assignments import Assignments
from runner.review.labels.trace import Guard
from runner.review.labels.values import GOLD, NONE, TOTAL, UNSET, Scope, Value, joined, starting


def branch_of(found: dict[tuple[str, bool], None]) -> bool:
    """What the only need of a guard is."""
    return next(iter(found))[1]


PLACE = re.compile(r"(?:^|_)(?:PATH|DIR|ROOT|FILES?|GLOB|MODEL_FILE)$")
"""Settings that say where something lies."""


class Branches(Assignments):
    """Branches."""

    def _do_if(self, node: ast.If, scope: Scope) -> bool:
        test = self.value(node.test, scope)
        if test.known and test.settings and self._no_switch(node, test):
            test = replace(test, const=UNSET, settings=NONE)
        if test.known and not test.settings:
            return self.block(node.body if test.const else node.orelse, scope)
        if test.known and not self.every:
            self.guards.append(self._guard(node.test, test, scope, bool(test.const)))
            try:
                return self.block(node.body if test.const else node.orelse, scope)
            finally:
                self.guards.pop()
        return self._fork(node, test, scope)

    def _no_switch(self, node: ast.If, test: Value) -> bool:
        """Whether a test only asks where files lie, or would have ended a run that did run."""
        stops = bool(test.const) and isinstance(node.body[-1], ast.Raise)
        return stops or all(PLACE.search(name) for name in test.settings)

    def _fork(self, node: ast.If, test: Value, scope: Scope) -> bool:
        before = dict(scope.names)
        pins = self._pinned(node.test, test, scope)
        results: list[tuple[bool, dict[str, Value]]] = []
        asked = {int(one[2:]) for one in starting(test.all, "i:")} - self.asked
        self.asked |= asked
        self.unsure += 1
        gate = self._gate(node, test)
        for branch, statements in ((True, node.body), (False, node.orelse)):
            scope.names = dict(before)
            guarded = test.known and bool(test.settings)
            if guarded:
                self.guards.append(self._guard(node.test, test, scope, branch))
            pinned = pins if branch else ()
            self.pins += pinned
            ended = self.block(statements, scope)
            del self.pins[len(self.pins) - len(pinned) :]
            if guarded:
                self.guards.pop()
            results.append((ended, scope.names))
        self.unsure -= 1
        if results[0][0] == results[1][0]:
            self.asked -= asked
        (yes_ended, yes), (no_ended, no) = results
        if gate:
            yes = {name: self._gated(value, before.get(name)) for name, value in yes.items()}
        scope.names = yes if no_ended else no if yes_ended else self._either_way(yes, no, test)
        if yes_ended != no_ended and test.known and test.settings:
            self.guards.append(self._guard(node.test, test, scope, no_ended))
        return yes_ended and no_ended

    def _either_way(self, yes: dict[str, Value], no: dict[str, Value], test: Value) -> dict[str, Value]:
        """Names after both branches; what is known stays known as in the branch that the settings choose."""
        if not test.known:
            return joined(yes, no)
        live, other = (yes, no) if test.const else (no, yes)
        out = joined(live, other)
        for name, value in live.items():
            if value.known and not out[name].known:
                out[name] = replace(out[name], const=value.const, settings=value.settings | test.settings)
        return out

    def _gate(self, node: ast.If, test: Value) -> bool:
        return GOLD in test.all and TOTAL not in test.all

    def _gated(self, value: Value, before: Value | None) -> Value:
        return value if value is before or GOLD not in value.all else value.plus(frozenset({"gated"}))

    def _pinned(self, node: ast.expr, test: Value, scope: Scope) -> tuple[int, ...]:
        """Loops of which only the first round passes a test: `epoch == 0`, `not epoch`, `epoch < 1`."""
        subject: ast.expr | None = None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            subject = node.operand
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            against = self.value(node.comparators[0], scope).const
            first = (isinstance(node.ops[0], ast.Eq) and against == 0) or (
                isinstance(node.ops[0], ast.Lt) and against == 1
            )
            subject = node.left if first and not isinstance(against, bool) else None
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return tuple(one for part in node.values for one in self._pinned(part, test, scope))
        if not isinstance(subject, ast.Name):
            return ()
        labels = starting(self.value(subject, scope).all, "i:")
        return tuple(int(one[2:]) for one in labels) if len(labels) == 1 else ()

    def _guard(self, node: ast.expr, test: Value, scope: Scope, branch: bool) -> Guard:
        """The condition under which a branch is taken; NAME=VALUE where that settles it."""
        found = dict.fromkeys(self._needs(node, scope, branch))
        needs = (*found, (f"test {id(node)}", branch))
        names = sorted(test.settings)
        simple = len(names) == 1 and len(found) == 1
        text = ast.unparse(node)
        shown = text if len(text) <= 80 else text[:77] + "..."
        words = (
            f"{names[0]}={int(branch_of(found))}"
            if simple
            else f"{', '.join(names)} such that {'' if branch else 'not '}({shown})"
        )
        return Guard(words, bool(test.const) == branch, needs, test.settings, self._other_than(node, branch))

    def _other_than(self, node: ast.expr, branch: bool) -> bool:
        """Whether a test asks for any number but one, alone or among others."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._other_than(node.operand, not branch)
        if isinstance(node, ast.BoolOp):
            return any(self._other_than(part, branch) for part in node.values)
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.NotEq if branch else ast.Eq):
            return False
        against = node.comparators[0]
        return isinstance(against, ast.Constant) and isinstance(against.value, (int, float)) and against.value > 1

    def _needs(self, node: ast.expr, scope: Scope, branch: bool) -> list[tuple[str, bool]]:
        """Settings that a test wants on or off."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._needs(node.operand, scope, not branch)
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And if branch else ast.Or):
            return [need for part in node.values for need in self._needs(part, scope, branch)]
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Gt):
            zero = isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value == 0
            return self._needs(node.left, scope, branch) if zero else []
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call)):
            settings = self.value(node, scope).settings
            return [(next(iter(settings)), branch)] if len(settings) == 1 else []
        return []
