"""Calls of the script's own functions, methods, classes and generators: followed with the labels they are given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from runner.review.flow.library import SAID, Library
from runner.review.flow.machine import DEEPEST
from runner.review.flow.trace import Loop
from runner.review.flow.values import (
    GOLD,
    LOGITS,
    NONE,
    NOTHING,
    TOTAL,
    UNSET,
    VAL,
    Labels,
    Scope,
    Thing,
    Value,
    choices_of,
    join,
    of,
    starting,
    weights,
)

TARGETS = ("target", "targets", "target_ids", "labels", "y", "tgt", "target_tokens", "y_batch")
QUIET = {"__init__", "forward", "_init_weights", "extra_repr", "reset_parameters"}


class Calls(Library):
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

    def _worth_following(self, node: ast.AST | None) -> bool:
        """Whether a network's method does more than compute: fills tables, takes steps, or prices a token."""
        if node is None or getattr(node, "name", "") in QUIET:
            return False
        for one in ast.walk(node):
            if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store):
                return True
            if isinstance(one, ast.Attribute) and one.attr in (
                "backward",
                "scatter_add_",
                "index_add_",
                "step",
                "at",
                "gather",
            ):
                return True
        return False

    def _network_method(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        if (
            name.startswith(
                ("forward", "get_logits", "logits", "compute", "encode", "embed", "hidden", "loss", "generate")
            )
            and "hook" not in name
        ):
            return self.forward(receiver, name, args, keywords, node)
        return self.method_call(receiver, name, args, keywords, node, scope)

    def forward(
        self, network: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value:
        """A network on tokens: scores of all tokens, or the price of those that came where it is told them."""
        mine = weights(network.all)
        labels: Labels = mine
        for one in (*args, *keywords.values()):
            labels |= one.all
        if self.hooks and labels & {VAL, "train"}:
            self.emit("fit", node, labels, mine)
        target = keywords.get(next((key for key in TARGETS if key in keywords), ""))
        if target is None and len(args) > 1 and args[1].all & {VAL, "train"} and not weights(args[1].all):
            target = args[1]
        if target is not None and args and args[0].all & {VAL, "train"}:
            self.aim(target.all, args[0].all)
            return self.price([of(labels)], {}, node, self._each_token(network.thing, name))
        return of((labels - {GOLD}) | {LOGITS})

    def _each_token(self, thing: Thing | None, name: str) -> bool:
        """Whether a network's method gives a price for each token."""
        top = thing.inner if thing is not None else None
        if top is None or top.node is None:
            return True
        return any(
            isinstance(one, ast.keyword) and one.arg == "reduction" and getattr(one.value, "value", "") == "none"
            for one in ast.walk(top.node)
        )

    def construct(self, thing: Thing, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        """An instance of the script's own class."""
        bases = self._bases(thing)
        if any("optim" in one.lower() for one in bases):
            return self.optimizer(args, keywords, node)
        network = any(one.endswith("Module") for one in bases)
        made = self.thing(node, "network" if network else "instance", thing.name)
        made.inner = thing
        mine = (self.owner or frozenset({f"w:{made.serial}"})) if network else NONE
        value = Value(mine, thing=made)
        self._declared(thing, made, args, keywords)
        start = self.member(made, "__init__")
        if start is not None and (not network or self._own_methods(thing)):
            before, self.owner = self.owner, mine
            self.function(start, [value, *args], keywords, node)
            self.owner = before
        return value

    def _bases(self, thing: Thing) -> list[str]:
        out = []
        for base in thing.args:
            for one in choices_of(base.thing):
                out += [one.name] if one.kind == "library" else self._bases(one) if one.kind == "class" else []
        return out

    def _own_methods(self, thing: Thing) -> bool:
        return any(
            value.thing is not None and value.thing.kind == "function" and self._worth_following(value.thing.node)
            for value in thing.fields.values()
        )

    def _declared(self, thing: Thing, made: Thing, args: list[Value], keywords: dict[str, Value]) -> None:
        """Fields of a dataclass or a named tuple."""
        if self.member(thing, "__init__") is not None or not isinstance(thing.node, ast.ClassDef):
            return
        names = [
            one.target.id
            for one in thing.node.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]
        made.fields.update({**dict(zip(names, args, strict=False)), **keywords})
        after = self.member(made, "__post_init__")
        if after is not None:
            self.function(after, [Value(thing=made)], {}, after.node or thing.node)

    def function(self, thing: Thing, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        """The script's own function, with these arguments."""
        what = thing.node
        if isinstance(what, ast.Lambda):
            inner = self._bind(thing, what.args, args, keywords)
            return self._inside(thing, node, lambda: self.value(what.body, inner))
        if not isinstance(what, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return NOTHING
        same = sum(one is what for _, _, one in self.stack)
        if same > 1 or len(self.stack) >= DEEPEST:
            return of(frozenset().union(NONE, *(one.all for one in (*args, *keywords.values()))))
        inner = self._bind(thing, what.args, args, keywords)
        if yields(what):
            return Value(thing=Thing("generator", what.name, node=what, scope=inner))
        return self._inside(thing, node, lambda: self._returned(what, inner))

    def _inside(self, thing: Thing, node: ast.AST, do: Callable[[], Value]) -> Value:
        assert thing.node is not None
        assert thing.scope is not None
        name = getattr(thing.node, "name", "lambda")
        self.stack.append((name, self.place(node), thing.node))
        before, self.file = self.file, thing.scope.file
        hooks = self.hooks
        try:
            return do()
        finally:
            self.file, self.hooks = before, hooks
            self.stack.pop()

    def _returned(self, what: ast.FunctionDef | ast.AsyncFunctionDef, inner: Scope) -> Value:
        inner.guards = len(self.guards)
        self.block(what.body, inner)
        if not inner.returns:
            inner.returns.append(Value(const=None))
        out = inner.returns[0]
        for one in inner.returns[1:]:
            out = join(out, one)
        for one in inner.unlikely:
            both = join(out, one)
            out = replace(both, const=out.const, settings=both.settings) if out.known else both
        return out

    def _bind(self, thing: Thing, form: ast.arguments, args: list[Value], keywords: dict[str, Value]) -> Scope:
        assert thing.scope is not None
        inner = Scope(thing.scope.file, thing.scope)
        named = [*form.posonlyargs, *form.args]
        defaults = dict(
            zip([one.arg for one in named][len(named) - len(form.defaults) :], form.defaults, strict=True)
        )
        defaults |= {
            one.arg: value for one, value in zip(form.kwonlyargs, form.kw_defaults, strict=True) if value is not None
        }
        for position, one in enumerate(named):
            if position < len(args):
                inner.names[one.arg] = args[position]
        for one in (*named, *form.kwonlyargs):
            if one.arg in keywords:
                inner.names[one.arg] = keywords[one.arg]
            elif one.arg not in inner.names:
                inner.names[one.arg] = self.value(defaults[one.arg], thing.scope) if one.arg in defaults else NOTHING
        if form.vararg is not None:
            rest = args[len(named) :]
            content = frozenset().union(NONE, *(one.all for one in rest))
            inner.names[form.vararg.arg] = Value(
                content, thing=Thing("list", fields=dict(enumerate(rest)), content=content)
            )
        if form.kwarg is not None:
            names = {one.arg for one in (*named, *form.kwonlyargs)}
            rest_named = {key: one for key, one in keywords.items() if key not in names}
            content = frozenset().union(NONE, *(one.all for one in rest_named.values()))
            inner.names[form.kwarg.arg] = Value(
                content, thing=Thing("dict", fields=dict(rest_named), content=content)
            )
        return inner

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

    def block(self, statements: list[ast.stmt], scope: Scope) -> bool:
        """Run statements; whether control leaves the block early."""
        raise NotImplementedError


def yields(what: ast.AST) -> bool:
    """Whether a function is a generator: a yield of its own, not one of a function inside it."""
    rest: list[ast.AST] = list(ast.iter_child_nodes(what))
    while rest:
        one = rest.pop()
        if isinstance(one, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            rest += list(ast.iter_child_nodes(one))
    return False


__all__ = ["UNSET", "Calls", "yields"]
