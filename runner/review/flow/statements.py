"""Statements: assignments, branches that settings decide, loops, definitions, imports."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from runner.review.flow.calls import Calls
from runner.review.flow.constants import folded
from runner.review.flow.expressions import bounds
from runner.review.flow.trace import Guard, Loop
from runner.review.flow.values import (
    GOLD,
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
    joined,
    of,
    starting,
    weights,
)

OUTER = 12
"""Sibling modules that are followed, at most."""


class Statements(Calls):
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

    # Assignments.

    def _do_expr(self, node: ast.Expr, scope: Scope) -> None:
        self.value(node.value, scope)

    def _do_assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.value(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _do_annassign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value, scope), scope)

    def _do_augassign(self, node: ast.AugAssign, scope: Scope) -> None:
        old = self.value(replace_context(node.target), scope)
        new = self.value(node.value, scope)
        if isinstance(node.op, ast.Add) and GOLD in new.all:
            self._score(node, new)
            new = self._accumulated(new, node)
        learnt = "grad" in new.all or (bool(new.all & {VAL, "train"}) and not weights(new.all))
        if weights(old.labels) and learnt and (not isinstance(node.target, ast.Name) or "leaf" in old.labels):
            self.emit("update", node, self.gradient if "grad" in new.all else new.all, weights(old.labels))
        out = self.combine(node.op, old, new, node)
        if isinstance(node.target, ast.Subscript):
            self.write(self.value(node.target.value, scope), self.value(node.target.slice, scope), new, node)
            return
        thing = (
            old.thing if old.thing is not None and old.thing.kind in ("array", "leaf", "list", "dict") else out.thing
        )
        if thing is not None:
            thing.content |= new.all
        const = UNSET if self.loops else out.const
        self.assign(node.target, Value(out.labels, const, out.settings if const is not UNSET else NONE, thing), scope)

    def _score(self, node: ast.AST, value: Value) -> None:
        """A price that is counted, and loops whose round a test around it asks for."""
        self.emit("score", node, value.all, about=" ".join(str(one) for one in sorted(self.asked)))

    def _accumulated(self, value: Value, node: ast.AST) -> Value:
        """A price that is added up: under a test for a loop's first round it is one of that round alone."""
        if not self.pins:
            return value
        pins = "@".join(str(one) for one in self.pins)
        labels = frozenset(f"{one}@{pins}" if one.startswith("g:") and "@" not in one else one for one in value.all)
        return of(labels)

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Put a value where the script puts it."""
        if isinstance(target, ast.Name):
            scope.put(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, value, scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)
        elif isinstance(target, ast.Attribute):
            self._set_attribute(target, value, scope)
        elif isinstance(target, ast.Subscript):
            self._set_item(target, value, scope)

    def _unpack(self, target: ast.Tuple | ast.List, value: Value, scope: Scope) -> None:
        thing = value.thing
        known = thing is not None and thing.kind == "list" and all(i in thing.fields for i in range(len(target.elts)))
        starred = any(isinstance(one, ast.Starred) for one in target.elts)
        for position, one in enumerate(target.elts):
            if known and not starred and thing is not None:
                self.assign(one, thing.fields[position], scope)
            elif isinstance(value.const, tuple) and position < len(value.const) and not starred:
                self.assign(one, Value(value.labels, value.const[position], value.settings), scope)
            else:
                kept = self._element(thing) if thing is not None and thing.kind == "list" else None
                self.assign(one, Value(value.all, thing=kept), scope)

    def _set_attribute(self, target: ast.Attribute, value: Value, scope: Scope) -> None:
        base = self.value(target.value, scope)
        if weights(base.labels) and target.attr == "data":
            kind = "update" if "grad" in value.all else "load"
            self.emit(kind, target, self.gradient if kind == "update" else value.all, weights(base.labels))
            return
        if weights(base.labels) and weights(value.all) - weights(base.labels) and not self.owner:
            self.emit("attach", target, weights(value.all), weights(base.labels))
        for thing in choices_of(base.thing):
            if thing.kind in ("library", "bound"):
                continue
            old = thing.fields.get(target.attr)
            if old is None and thing.kind == "instance":
                old = self.member_value(thing, target.attr)
            if target.attr in self.counters:
                value = replace(value, const=UNSET)
            unsure = old is not None and (bool(self.guards) or self.unsure > 0 or bool(self.loops))
            kept = replace(value, const=UNSET) if self.loops and value.known and old is not None else value
            both = join(old, kept) if unsure and old is not None else kept
            if old is not None and old.known and not all(guard.holds for guard in self.guards):
                both = replace(both, const=old.const, settings=old.settings)
            thing.fields[target.attr] = both
            if thing.kind == "class":
                thing.content |= value.labels

    def _set_item(self, target: ast.Subscript, value: Value, scope: Scope) -> None:
        base, key = self.value(target.value, scope), self.value(target.slice, scope)
        if base.thing is not None and base.thing.kind == "array" and not base.thing.content & {VAL, "train"}:
            value = value.plus(bounds(target.slice))
        if value.known and value.const == 0 and "agree" in key.all and GOLD in base.all and TOTAL not in base.all:
            self.emit("forced", target, base.all, key.all)
        if GOLD in value.all:
            value = self._accumulated(value, target)
            self.emit("store", target, value.all, key.all, about=str(base.thing.serial) if base.thing else "")
        if base.thing is None:
            if isinstance(target.value, ast.Name):
                scope.put(target.value.id, Value(base.all | value.all))
            return
        if base.thing.kind == "dict" and key.known and isinstance(key.const, (str, int)) and not self.again:
            old = base.thing.fields.get(key.const)
            base.thing.fields[key.const] = value if old is None else join(old, value)
            base.thing.content |= value.all
            return
        if base.thing.kind in ("dict", "list") and value.thing is not None:
            base.thing.fields[("item", len(base.thing.fields) % 4)] = value
        if weights(base.labels) and ("grad" in value.all):
            self.emit("update", target, self.gradient, weights(base.labels))
        self.write(base, key, value, target)

    def _do_delete(self, node: ast.Delete, scope: Scope) -> None:
        for one in node.targets:
            if isinstance(one, ast.Name):
                scope.names.pop(one.id, None)

    # Branches.

    def _do_if(self, node: ast.If, scope: Scope) -> bool:
        test = self.value(node.test, scope)
        if test.known and not test.settings:
            return self.block(node.body if test.const else node.orelse, scope)
        if test.known and not self.every:
            self.guards.append(self._guard(node.test, test, scope, bool(test.const)))
            try:
                return self.block(node.body if test.const else node.orelse, scope)
            finally:
                self.guards.pop()
        return self._fork(node, test, scope)

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
        return Guard(words, bool(test.const) == branch, needs, test.settings)

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

    # Loops.

    def _do_for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> bool:
        many = self.value(node.iter, scope)
        before = dict(scope.names)
        self._forget(node.body, scope)

        stored = self._stored(node.body)

        def one(item: Value) -> None:
            self._aged(stored, scope)
            self.assign(node.target, item, scope)
            self._round(node.body, scope)

        self.each(many, node, one)
        scope.names = joined(before, scope.names) if self.unsure else scope.names
        self._otherwise(node.orelse, scope)
        return False

    def _otherwise(self, statements: list[ast.stmt], scope: Scope) -> None:
        """The `else` of a loop, which `break` passes by."""
        if statements:
            before = dict(scope.names)
            self.block(statements, scope)
            scope.names = joined(before, scope.names)

    _do_asyncfor = _do_for

    def _do_while(self, node: ast.While, scope: Scope) -> bool:
        self._forget(node.body, scope)
        test = self.value(node.test, scope)
        if test.known and not test.const and not (self.every and test.settings):
            return self.block(node.orelse, scope)
        stored = self._stored(node.body)
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

    def _aged(self, names: set[str], scope: Scope) -> None:
        """What a variable holds when a round begins was read in an earlier one."""
        for name in names:
            value = scope.names.get(name)
            if value is not None and GOLD in value.labels and "older" not in value.labels:
                value = scope.names[name] = value.plus(frozenset({"older"}))
            if value is not None and starting(value.labels, "tok:"):
                labels = frozenset("past:" + one[4:] if one.startswith("tok:") else one for one in value.labels)
                scope.names[name] = replace(value, labels=labels)

    def _stored(self, statements: list[ast.stmt]) -> set[str]:
        return {
            one.id
            for top in statements
            for one in ast.walk(top)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }

    def _forget(self, statements: list[ast.stmt], scope: Scope) -> None:
        """Constants do not outlast a loop that changes them."""
        for name in self._stored(statements):
            value = scope.names.get(name)
            if value is not None and value.known:
                scope.names[name] = Value(value.labels, thing=value.thing)

    # What else there is.

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

    # Generators hand over what they yield.

    def _yield(self, node: ast.Yield, scope: Scope) -> Value:
        value = self.value(node.value, scope) if node.value is not None else NOTHING
        if self.consumers:
            self.consumers[-1](value)
        return NOTHING

    def _yieldfrom(self, node: ast.YieldFrom, scope: Scope) -> Value:
        consume = self.consumers[-1] if self.consumers else (lambda _: None)
        self.each(self.value(node.value, scope), node, consume)
        return NOTHING


class ClassScope(Scope):
    """Names of a class body: methods do not see them."""


def branch_of(found: dict[tuple[str, bool], None]) -> bool:
    """What the only need of a guard is."""
    return next(iter(found))[1]


def replace_context(node: ast.expr) -> ast.expr:
    """The target of `+=` is read first; reading does not look at the context."""
    return node


__all__ = ["Statements", "folded"]
