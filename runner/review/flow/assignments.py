"""Assignments: names, attributes, items, and sums that grow."""

from __future__ import annotations

import ast
from dataclasses import replace

from runner.review.flow.calls import Calls
from runner.review.labels.reads import bounds
from runner.review.labels.values import GOLD, NONE, TOTAL, UNSET, VAL, Scope, Value, choices_of, join, of, weights


def replace_context(node: ast.expr) -> ast.expr:
    """The target of `+=` is read first; reading does not look at the context."""
    return node


class Assignments(Calls):
    """Assignments."""

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
        if target.attr == "requires_grad" and value.const is True and self.fresh(base):
            self.assign(target.value, self.leaf(target, [base], made=base.thing.node if base.thing else None), scope)
            return
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
