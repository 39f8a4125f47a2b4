"""The script's own functions and classes, followed with the labels they are given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from runner.review.flow.networks import Networks
from runner.review.labels.machine import DEEPEST
from runner.review.labels.values import NONE, NOTHING, Scope, Thing, Value, choices_of, join, of
from runner.review.nodes import children, remembered


class Functions(Networks):
    """Functions and instances."""

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
        hooks, watchers = self.hooks, list(self.watchers)
        try:
            return do()
        finally:
            self.file, self.hooks, self.watchers = before, hooks, watchers
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


@remembered
def yields(what: ast.AST) -> bool:
    """Whether a function is a generator: a yield of its own, not one of a function inside it."""
    rest = children(what)
    while rest:
        one = rest.pop()
        if isinstance(one, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            rest += children(one)
    return False
