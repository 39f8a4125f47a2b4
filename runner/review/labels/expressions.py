"""What an expression holds: labels flow from its parts. Calls are followed in `flow`."""

from __future__ import annotations

import ast
from dataclasses import replace

from runner.review.labels.attributes import VAL_NAMES
from runner.review.labels.constants import COMPARE, UNARY, folded
from runner.review.labels.machine import labels_of_text, text_value
from runner.review.labels.reads import Reads
from runner.review.labels.values import (
    BYTES,
    GOLD,
    NONE,
    NOTHING,
    UNSET,
    VAL,
    Labels,
    Scope,
    Thing,
    Value,
    join,
    joined,
    of,
    starting,
)

TEXTS = frozenset({VAL, "train", "disk"})
"""What a text, or what came from a file, is labelled."""


class Expressions(Reads):
    """Expressions but for calls."""

    def value(self, node: ast.expr | None, scope: Scope) -> Value:
        """What `node` holds."""
        if node is None:
            return NOTHING
        self.tick()
        do = getattr(self, "_" + type(node).__name__.lower(), None)
        if do is None:
            return self._parts(node, scope)
        out = do(node, scope)
        assert isinstance(out, Value)
        return out

    def _parts(self, node: ast.AST, scope: Scope) -> Value:
        labels: Labels = NONE
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                labels |= self.value(child, scope).all
        return of(labels)

    def _slice(self, node: ast.Slice, scope: Scope) -> Value:
        return self._parts(node, scope)

    def _constant(self, node: ast.Constant, scope: Scope) -> Value:
        if isinstance(node.value, str):
            return text_value(node.value)
        return Value(const=node.value)

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        found = scope.find(node.id)
        if found is not None:
            return found
        if node.id == "__name__":
            return Value(const="__main__")
        if node.id in VAL_NAMES:
            return of(frozenset({VAL}))
        return Value(thing=Thing("library", node.id))

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.value(node.value, scope)
        self.assign(node.target, value, scope)
        return value

    def _starred(self, node: ast.Starred, scope: Scope) -> Value:
        return self.value(node.value, scope)

    def _await(self, node: ast.Await, scope: Scope) -> Value:
        return self.value(node.value, scope)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Value:
        return Value(thing=Thing("function", "lambda", node=node, scope=scope))

    def _joinedstr(self, node: ast.JoinedStr, scope: Scope) -> Value:
        labels: Labels = NONE
        settings: frozenset[str] = NONE
        text: str | None = ""
        for part in node.values:
            value = self.value(part.value if isinstance(part, ast.FormattedValue) else part, scope)
            labels |= value.all
            settings |= value.settings
            text = text + str(value.const) if text is not None and value.known else None
        if text is None:
            return Value(labels, settings=settings)
        return Value(labels | labels_of_text(text), text, settings)

    def _list(self, node: ast.List | ast.Tuple, scope: Scope) -> Value:
        values = [self.value(one, scope) for one in node.elts]
        starred = any(isinstance(one, ast.Starred) for one in node.elts)
        if values and not starred and all(one.known and not one.labels for one in values):
            settings = frozenset().union(*(one.settings for one in values))
            return Value(const=tuple(one.const for one in values), settings=settings, thing=self._sequence(values))
        if not values:
            return Value(thing=self.thing(node, "list"))
        if starred:
            return Value(
                frozenset().union(*(one.all for one in values)), thing=values[0].thing if len(values) == 1 else None
            )
        thing = self._sequence(values)
        return Value(thing.content, thing=thing)

    _tuple = _list

    def _set(self, node: ast.Set, scope: Scope) -> Value:
        return of(frozenset().union(*(self.value(one, scope).all for one in node.elts)))

    def _sequence(self, values: list[Value]) -> Thing:
        content: Labels = frozenset().union(*(one.all for one in values)) if values else NONE
        return Thing("list", fields=dict(enumerate(values)), content=content)

    def _dict(self, node: ast.Dict, scope: Scope) -> Value:
        thing = self.thing(node, "dict")
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.value(item, scope)
            name = self.value(key, scope) if key is not None else NOTHING
            thing.content |= value.all | name.labels
            if key is None and value.thing is not None:
                thing.fields.update(value.thing.fields)
            elif name.known and isinstance(name.const, (str, int)):
                thing.fields[name.const] = value
        return Value(thing=thing)

    def _binop(self, node: ast.BinOp, scope: Scope) -> Value:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        return self.combine(node.op, left, right, node)

    def _unaryop(self, node: ast.UnaryOp, scope: Scope) -> Value:
        value = self.value(node.operand, scope)
        const = folded(UNARY[type(node.op)], value.const) if value.known else UNSET
        return Value(value.all, const, value.settings if const is not UNSET else NONE)

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> Value:
        """Short circuits are decided where what is known suffices, and by those settings alone."""
        stop = isinstance(node.op, ast.Or)
        labels: Labels = NONE
        settings: frozenset[str] = NONE
        known = True
        last = NOTHING
        for part in node.values:
            last = self.value(part, scope)
            labels |= last.all
            if last.known and bool(last.const) == stop:
                if self.every and last.settings:
                    settings |= last.settings
                return Value(labels, last.const, settings | last.settings, last.thing)
            known = known and last.known
            settings |= last.settings
        return Value(labels, last.const if known else UNSET, settings if known else NONE, last.thing)

    def _compare(self, node: ast.Compare, scope: Scope) -> Value:
        first = left = self.value(node.left, scope)
        labels, settings = left.all, left.settings
        const: object = True
        before = left
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.value(part, scope)
            labels |= right.all
            settings |= right.settings
            one = folded(COMPARE[type(op)], before.const, right.const) if before.known and right.known else UNSET
            const = UNSET if one is UNSET or const is UNSET else bool(const) and bool(one)
            self._compared(op, before, right, node)
            before = right
        plain = frozenset(one for one in labels if one not in (VAL, "train", "enc", BYTES))
        if labels & {VAL, "train"}:
            plain |= {"match"}
            if all(one.all & TEXTS and not one.known for one in (first, before)):
                plain |= {"agree"}
        if starting(plain, "r:"):
            plain |= {"mask"}
        return Value(plain, const, settings if const is not UNSET else NONE)

    def _compared(self, op: ast.cmpop, left: Value, right: Value, node: ast.AST) -> None:
        """Two prices of one token against each other."""
        if isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) and GOLD in left.all and GOLD in right.all:
            self.emit("compare", node, left.all, right.all)

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> Value:
        test = self.value(node.test, scope)
        if test.known and not (self.every and test.settings):
            return self.value(node.body if test.const else node.orelse, scope)
        before = dict(scope.names)
        yes = self.value(node.body, scope)
        after, scope.names = scope.names, before
        no = self.value(node.orelse, scope)
        scope.names = joined(after, scope.names)
        if test.known:
            live, other = (yes, no) if test.const else (no, yes)
            return replace(join(live, other), const=live.const, settings=live.settings | test.settings)
        return join(yes, no).plus(frozenset(one for one in test.all if one == GOLD))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Value:
        inner = Scope(scope.file, scope)
        thing = Thing("list", serial=self.next_serial(), content=NONE)

        def put() -> None:
            value = self.value(node.elt, inner)
            thing.content |= value.all
            if value.thing is not None:
                thing.fields[-1 - len(thing.fields) % 4] = value

        self._rounds(list(node.generators), inner, put)
        return Value(thing.content, thing=thing)

    _listcomp = _setcomp = _generatorexp = _comprehension

    def _dictcomp(self, node: ast.DictComp, scope: Scope) -> Value:
        inner = Scope(scope.file, scope)
        thing = self.thing(node, "dict")

        def put() -> None:
            value = self.value(node.value, inner)
            thing.content |= value.all | self.value(node.key, inner).labels
            if value.thing is not None:
                thing.fields[(len(thing.fields) % 4,)] = value

        self._rounds(list(node.generators), inner, put)
        return Value(thing.content, thing=thing)

    def _rounds(self, generators: list[ast.comprehension], scope: Scope, do: object) -> None:
        if not generators:
            assert callable(do)
            do()
            return
        first, *rest = generators

        def one(item: Value) -> None:
            self.assign(first.target, item, scope)
            for test in first.ifs:
                self.value(test, scope)
            self._rounds(rest, scope, do)

        self.each(self.value(first.iter, scope), first, one)
