"""Calls: arguments are worked out, and whatever is called is followed."""

from __future__ import annotations

import ast

from runner.review.flow.rounds import Rounds
from runner.review.labels.values import NONE, NOTHING, Scope, Thing, Value, choices_of, join, of, starting, weights
from runner.review.library.library import SAID


class Calls(Rounds):
    """Calls."""

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        called = self.value(node.func, scope)
        args: list[Value] = []
        for one in node.args:
            value = self.value(one, scope)
            if (
                isinstance(one, ast.Starred)
                and value.thing is not None
                and value.thing.kind == "list"
                and value.thing.fields
            ):
                args += [item for key, item in sorted(value.thing.fields.items(), key=lambda pair: str(pair[0]))]
            else:
                args.append(value)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, scope)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif value.thing is not None:
                keywords.update({key: one for key, one in value.thing.fields.items() if isinstance(key, str)})
        self._said(node, args, keywords)
        return self.apply(called, args, keywords, node, scope)

    def _said(self, node: ast.Call, args: list[Value], keywords: dict[str, Value]) -> None:
        """A line that is printed or logged, with what it shows."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if not node.args or not SAID.search(str(name)):
            return
        words = [part.value for one in node.args for part in ast.walk(one) if isinstance(part, ast.Constant)]
        text = " ".join(one for one in words if isinstance(one, str))
        labels = frozenset().union(*(one.all for one in (*args, *keywords.values())))
        if text and starting(labels, "g:"):
            self.emit("report", node, labels, about=text[:200])

    def apply(
        self, called: Value, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        """What calling `called` gives."""
        things = choices_of(called.thing)
        if not things:
            return self._unknown(called, args, keywords, node)
        out: Value | None = None
        for thing in things:
            got = self._one(thing, called, args, keywords, node, scope)
            out = got if out is None else join(out, got)
        assert out is not None
        return out

    def _one(
        self, thing: Thing, called: Value, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        kind = thing.kind
        if kind == "function":
            return self.function(thing, args, keywords, node)
        if kind == "bound":
            receiver = thing.receiver or NOTHING
            if thing.inner is not None:
                return self._method(receiver, thing, args, keywords, node)
            if receiver.thing is not None and receiver.thing.kind == "network":
                return self._network_method(receiver, thing.name, args, keywords, node, scope)
            return self.method_call(receiver, thing.name, args, keywords, node, scope)
        if kind == "partial":
            inner = thing.receiver or NOTHING
            return self.apply(inner, [*thing.args, *args], {**thing.keywords, **keywords}, node, scope)
        if kind == "class":
            return self.construct(thing, args, keywords, node)
        if kind == "library":
            return self.library_call(thing.name, args, keywords, node, scope)
        if kind == "network":
            return self.forward(Value(called.labels, thing=thing), "forward", args, keywords, node)
        if kind == "native":
            return self._native(thing, args, keywords, node)
        if kind == "instance":
            method = self.member(thing, "__call__") or self.member(thing, "forward")
            if method is not None:
                return self.function(method, [Value(called.labels, thing=thing), *args], keywords, node)
        return self._unknown(called, args, keywords, node)

    def _native(self, thing: Thing, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        """Code in another language: whatever it was given may stand in whatever it can write to."""
        given = frozenset().union(NONE, *(one.all for one in (*args, *keywords.values())))
        event = self.emit("native", node, given, about=thing.name)
        out = given | {f"native:{event.serial}"}
        for one in args:
            if one.thing is not None and one.thing.kind == "array":
                one.thing.content |= out
        return of(out)

    def _unknown(self, called: Value, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        if weights(called.labels):
            return self.forward(called, "forward", args, keywords, node)
        labels = called.all
        for one in (*args, *keywords.values()):
            labels |= one.all
        return of(labels)

    def _method(
        self, receiver: Value, bound: Thing, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value:
        assert bound.inner is not None
        thing = receiver.thing
        if thing is not None and thing.kind == "network" and not self._worth_following(bound.inner.node):
            if bound.name.startswith(("reset", "init", "zero_")) and bound.name != "zero_grad":
                self.emit("reset", node, other=weights(receiver.all))
                return receiver
            return self.forward(receiver, bound.name, args, keywords, node)
        return self.function(bound.inner, [receiver, *args], keywords, node)
