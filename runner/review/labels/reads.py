"""What `base[key]` holds: tokens of a text, prices out of scores, counts out of tables; whether a text was cut."""

from __future__ import annotations

import ast
from itertools import pairwise

from runner.review.labels.attributes import Attributes
from runner.review.labels.constants import folded
from runner.review.labels.values import (
    GOLD,
    LOGITS,
    NOTHING,
    PART,
    TOTAL,
    UNSET,
    VAL,
    Labels,
    Scope,
    Thing,
    Value,
    join,
    of,
    starting,
)

SUBSET = 10_000
"""Tokens that a slice of the validation text keeps before it counts as one of its parts."""


def bounds(node: ast.expr | None) -> Labels:
    """Where slices begin and end, in the script's words: `[i, s:n]` gives from:s and upto:n."""
    out: set[str] = set()
    for one in node.elts if isinstance(node, ast.Tuple) else [node]:
        if isinstance(one, ast.Slice):
            for word, edge in (("from", one.lower), ("upto", one.upper)):
                if edge is not None and not isinstance(edge, ast.Constant):
                    out.add(f"{word}:{ast.unparse(edge)}")
    return frozenset(out)


def _apart(key: Value) -> bool:
    """Whether a table is read by a context and, on an axis of its own, by a token: `counts[context, token]`."""
    parts = [starting(one.all, "tok:") for one in key.thing.fields.values()] if key.thing is not None else []
    return any(bool(one - other) and bool(other - one) for one, other in pairwise(parts))


class Reads(Attributes):
    """Subscripts."""

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        base = self.value(node.value, scope)
        if isinstance(base.const, dict):
            return NOTHING
        key = self.value(node.slice, scope)
        if base.known and key.known and isinstance(base.const, (tuple, str)) and isinstance(key.const, int):
            picked = base.thing.fields.get(key.const) if base.thing is not None else None
            if picked is not None:
                return picked
            const = folded(lambda a, b: a[b], base.const, key.const)
            return Value(base.labels, const, base.settings) if const is not UNSET else of(base.labels)
        out = self.read(base, key, node, plain=isinstance(node.slice, ast.Slice))
        if "match" in base.all and isinstance(key.const, int) and key.const > 0:
            return out.plus(frozenset({PART}))
        return self._cut(base, node, out, scope)

    def _cut(self, base: Value, node: ast.Subscript, out: Value, scope: Scope) -> Value:
        """The whole validation text, cut off after a part of it or after a number of tokens."""
        part = node.slice
        whole = VAL in base.all and not base.all & {GOLD, LOGITS} and not isinstance(base.const, str)
        if not whole or not isinstance(part, ast.Slice) or part.lower is not None or part.upper is None or self.loops:
            return out
        bound = self.value(part.upper, scope)
        long = isinstance(bound.const, int) and not isinstance(bound.const, bool) and bound.const >= SUBSET
        if long or PART in bound.all:
            return out.plus(
                frozenset({f"cut:{self.emit('cut', node, base.all, about=ast.unparse(part.upper)[:60]).serial}"})
            )
        return out

    def read(self, base: Value, key: Value, node: ast.AST, plain: bool = False) -> Value:
        """`base[key]`, of a tensor, a table or a list."""
        thing = base.thing
        if thing is not None and thing.kind in ("list", "dict", "module") and key.known and not base.labels & {VAL}:
            found = thing.fields.get(key.const) if isinstance(key.const, (str, int)) else None
            if found is not None:
                return found
        if thing is not None and thing.kind == "library":
            return Value(key.labels, thing=thing)
        labels, asked = base.all, key.all
        if "mask" in asked:  # which of the items are taken; not what they hold
            asked = frozenset(one for one in asked if one != "mask" and not one.startswith("r:"))
        if thing is not None and thing.kind == "dict" and asked & {VAL, "train"} and not starting(asked, "tok:"):
            labels -= {VAL, "train", "by:val", "by:train"} - asked  # a cache by path holds the texts apart
        out: set[str] = set(starting(asked, "i:") | starting(asked, "prev:"))
        whole = labels | asked
        if labels & {VAL, "train"} and not labels & {GOLD, LOGITS, TOTAL}:
            caller = self.stack[-1][1].line if self.stack else 0
            old = bool(starting(labels, "past:")) and not starting(labels, "tok:")
            out.add(f"{'past' if old else 'tok'}:{id(node)}:{caller}")
        tokens = starting(asked, "tok:") or starting(asked, "past:")
        if tokens and LOGITS in labels and GOLD not in labels and not (thing is not None and thing.kind == "list"):
            self.targets |= starting(asked, "tok:") - starting(labels, "tok:")
            event = self.emit("price", node, labels | asked)
            out |= {GOLD, f"g:{event.serial}"}
        elif tokens and (thing is None or thing.kind in ("array", "dict", "list", "instance", "bound")):
            row = "row" if starting(labels, "r:") else ""
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
                row += " of several" + " apart" * _apart(key)
            event = self.emit(
                "read", node, asked, starting(labels, "r:"), about=f"{thing.serial if thing else ''} {row}"
            )
            out.add(f"r:{event.serial}")
            counted = "by:val" in labels or "by:train" in labels
            whole = labels | frozenset(
                f"by:{one}" if counted and one in (VAL, "train") else one
                for one in asked
                if one in (VAL, "train") or one[:2] in ("g:", "w:")
            )
        elif GOLD in asked and thing is not None and thing.kind in ("array", "dict"):
            whole = labels
        if labels & {GOLD, LOGITS}:
            out |= bounds(node.slice if isinstance(node, ast.Subscript) else None)
        kept = thing if thing is not None and thing.kind in ("array", "leaf", "list", "dict", "network") else None
        if thing is not None and thing.kind in ("list", "dict"):
            kept = self._element(thing) if not plain else kept
        return Value(whole | frozenset(out), thing=kept)

    def _element(self, thing: Thing) -> Thing | None:
        """What one item of a list or a dict is, where they are all of a kind."""
        things = [one.thing for one in thing.fields.values() if one.thing is not None]
        if not things:
            return Thing("array", serial=thing.serial, content=thing.content, inner=thing)
        out: Thing | None = things[0]
        for one in things[1:4]:
            out = join(Value(thing=out), Value(thing=one)).thing
        return out
