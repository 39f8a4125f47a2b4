"""Going through something, item by item: lists, ranges, and generators whose own bodies run."""

from __future__ import annotations

import ast
from collections.abc import Callable

from runner.review.flow.functions import Functions
from runner.review.labels.trace import Loop
from runner.review.labels.values import (
    GOLD,
    LOGITS,
    NONE,
    NOTHING,
    TOTAL,
    VAL,
    Labels,
    Thing,
    Value,
    choices_of,
    of,
    weights,
)


class Rounds(Functions):
    """Rounds."""

    def each(self, many: Value, node: ast.AST, do: Callable[[Value], None]) -> None:
        """Once round for every item: a generator's own body runs, with `do` where it yields."""
        things = choices_of(many.thing)
        if len(things) == 1 and things[0].kind == "generator":
            self._generated(things[0], node, do)
            return
        kind = "range" if things and things[0].kind == "range" else "for"
        self.rounds(node, kind, lambda index: do(self._item(many, index)))

    def _generated(self, thing: Thing, node: ast.AST, do: Callable[[Value], None]) -> None:
        what, inner = thing.node, thing.scope
        assert isinstance(what, (ast.FunctionDef, ast.AsyncFunctionDef))
        assert inner is not None
        held = list(self.stack)

        def consume(value: Value) -> None:
            mine, self.stack = self.stack, list(held)
            file, self.file = self.file, self.file
            self.consumers.append(lambda _: None)
            do(value)
            self.consumers.pop()
            self.stack, self.file = mine, file

        self.consumers.append(consume)
        outer = Thing("function", what.name, node=what, scope=inner.outer)

        def body() -> Value:
            self.block(what.body, inner)
            return NOTHING

        self._inside(outer, node, body)
        self.consumers.pop()

    def rounds(self, node: ast.AST, kind: str, do: Callable[[Labels], None]) -> None:
        """The outermost loop goes round twice, so that what one round leaves reaches the next."""
        serial = self.thing(node, "loop").serial
        self.loops.append(Loop(serial, kind))
        outermost = not self.again
        index = frozenset({f"i:{serial}"})
        try:
            self.again = self.again or 1
            do(index)
            if outermost:
                self.again = 2
                do(index)
        finally:
            self.again = 0 if outermost else self.again
            self.loops.pop()

    def _told(self, labels: Labels, index: Labels) -> Labels:
        """An item of a text is a token of this round."""
        of_text = labels & {VAL, "train"} and not labels & {GOLD, LOGITS, TOTAL} and not weights(labels)
        return frozenset({f"tok:{min(index)}:0"}) if of_text else NONE

    def _item(self, many: Value, index: Labels) -> Value:
        """One item of what is gone through."""
        things = choices_of(many.thing)
        if len(things) != 1:
            return of(many.all | index | self._told(many.all, index))
        thing = things[0]
        if thing.kind == "zip":
            parts = [self._item(one, index) for one in thing.args]
            content = frozenset().union(NONE, *(one.all for one in parts))
            return Value(content, thing=Thing("list", fields=dict(enumerate(parts)), content=content))
        if thing.kind == "range":
            return of(many.labels | index)
        labels = many.all | index
        labels |= self._told(labels, index)
        element = self._element(thing) if thing.kind in ("list", "dict") else thing
        if element is not None and element.kind == "list" and element.fields:
            fields = {key: one.plus(index) for key, one in element.fields.items()}
            return Value(labels, thing=Thing("list", fields=fields, content=element.content | index))
        return Value(labels, thing=element)
