"""Statements: blocks, returns, tries, definitions, imports, and what generators hand over."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from runner.review.flow.loops import Loops
from runner.review.labels.trace import Guard, Loop
from runner.review.labels.values import GOLD, NOTHING, Scope, Thing, Value, joined

OUTER = 12
"""Sibling modules that are followed, at most."""


class ClassScope(Scope):
    """Names of a class body: methods do not see them."""


class Statements(Loops):
    """Statements."""

    def block(self, statements: list[ast.stmt], scope: Scope) -> bool:
        standing, asked = len(self.guards), set(self.asked)
        try:
            return self._block(statements, scope)
        finally:
            del self.guards[standing:]
            self.asked = asked

    def _block(self, statements: list[ast.stmt], scope: Scope) -> bool:
        for one in statements:
            self.tick()
            do: Callable[[ast.stmt, Scope], bool | None] | None = getattr(
                self, "_do_" + type(one).__name__.lower(), None
            )
            if do is not None and do(one, scope):
                return True
        return False

    def _do_with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
        for item in node.items:
            value = self.value(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
        return self.block(node.body, scope)

    _do_asyncwith = _do_with

    def _do_try(self, node: ast.Try, scope: Scope) -> bool:
        before = dict(scope.names)
        ended = self.block(node.body, scope) or self.block(node.orelse, scope)
        after = scope.names
        for handler in node.handlers:
            scope.names = dict(joined(before, after))
            self.guards.append(Guard("something it tries first fails", False))
            left = self.block(handler.body, scope)
            self.guards.pop()
            if not left:
                after = scope.names if ended else joined(after, scope.names)
                ended = False
        scope.names = after
        return self.block(node.finalbody, scope) or ended

    _do_trystar = _do_try

    def _do_match(self, node: ast.Match, scope: Scope) -> None:
        self.value(node.subject, scope)
        before = dict(scope.names)
        for case in node.cases:
            self.block(case.body, scope)
            scope.names = joined(before, scope.names)

    def _do_return(self, node: ast.Return, scope: Scope) -> bool:
        value = self.value(node.value, scope) if node.value is not None else Value(const=None)
        value = self._accumulated(value, node) if self.pins and GOLD in value.all else value
        home: Scope = scope
        mine = self.guards[home.guards :]
        if value.known:
            value = replace(value, settings=value.settings.union(*(guard.settings for guard in mine)))
        (home.returns if all(guard.holds for guard in mine) else home.unlikely).append(value)
        return True

    def _do_raise(self, node: ast.Raise, scope: Scope) -> bool:
        return True

    def _do_break(self, node: ast.Break | ast.Continue, scope: Scope) -> bool:
        if self.exits:
            self.exits[-1].append(dict(scope.names))
        return True

    _do_continue = _do_break

    def _do_assert(self, node: ast.Assert, scope: Scope) -> None:
        self.value(node.test, scope)

    def _do_global(self, node: ast.Global, scope: Scope) -> None:
        for name in node.names:
            scope.elsewhere[name] = scope.module()

    def _do_nonlocal(self, node: ast.Nonlocal, scope: Scope) -> None:
        for name in node.names:
            outer = scope.outer
            while outer is not None and name not in outer.names:
                outer = outer.outer
            if outer is not None:
                scope.elsewhere[name] = outer

    def _do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        home = scope.outer if isinstance(scope, ClassScope) and scope.outer is not None else scope
        scope.put(node.name, Value(thing=Thing("function", node.name, node=node, scope=home)))

    _do_asyncfunctiondef = _do_functiondef

    def _do_classdef(self, node: ast.ClassDef, scope: Scope) -> None:
        bases = tuple(self.value(one, scope) for one in node.bases)
        inner = ClassScope(scope.file, scope)
        self.block(node.body, inner)
        made = Thing("class", node.name, self.next_serial(), fields=inner.names, node=node, args=bases)
        scope.put(node.name, Value(thing=made))

    def _do_import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            found = self.load_module(alias.name)
            name = alias.name if alias.asname else alias.name.split(".")[0]
            scope.put(alias.asname or name, found or Value(thing=Thing("library", name)))

    def _do_importfrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = self.load_module(node.module or "")
        for alias in node.names:
            if module is not None and module.thing is not None and module.thing.scope is not None:
                if alias.name == "*":
                    scope.names.update(module.thing.scope.names)
                    continue
                value = module.thing.scope.names.get(alias.name, NOTHING)
            else:
                value = Value(thing=Thing("library", f"{node.module}.{alias.name}"))
            scope.put(alias.asname or alias.name, value)

    def load_module(self, name: str) -> Value | None:
        """A module beside the script, run once."""
        known = self.modules.get(name)
        if known is not None:
            return Value(thing=known)
        tree = self.trees.get(name)
        if tree is None or len(self.modules) >= OUTER:
            return None
        scope = Scope(f"{name.replace('.', '/')}.py")
        made = Thing("module", name, scope=scope)
        self.modules[name] = made
        scope.names["__name__"] = Value(const=name)
        before, self.file = self.file, scope.file
        loops, self.loops = self.loops, list[Loop]()
        self.block(tree.body, scope)
        self.loops, self.file = loops, before
        return Value(thing=made)

    def _yield(self, node: ast.Yield, scope: Scope) -> Value:
        value = self.value(node.value, scope) if node.value is not None else NOTHING
        if self.consumers:
            self.consumers[-1](value)
        return NOTHING

    def _yieldfrom(self, node: ast.YieldFrom, scope: Scope) -> Value:
        consume = self.consumers[-1] if self.consumers else (lambda _: None)
        self.each(self.value(node.value, scope), node, consume)
        return NOTHING
