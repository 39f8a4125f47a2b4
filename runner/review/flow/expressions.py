"""What an expression holds: labels flow from its parts, and what its shape says adds labels of its own."""

from __future__ import annotations

import ast
from dataclasses import replace

from runner.review.flow.constants import BINARY, COMPARE, UNARY, folded
from runner.review.flow.machine import Machine, labels_of_text, text_value
from runner.review.flow.values import (
    BYTES,
    COUNT,
    GOLD,
    LOGARITHM,
    LOGITS,
    NONE,
    NOTHING,
    PART,
    PER_BYTE,
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

SHAPES = {"shape", "device", "dtype", "ndim", "itemsize", "nbytes", "is_cuda", "requires_grad", "param_groups"}
VAL_NAMES = {"val_tokens", "val_data", "val_files", "valid_tokens", "validation_tokens"}


TEXTS = frozenset({VAL, "train", "disk"})
"""What a text, or what came from a file, is labelled."""
SUBSET = 10_000
"""Tokens that a slice of the validation text keeps before it counts as one of its parts."""


def complements(left: ast.expr, right: ast.expr) -> bool:
    """`w * a + (1 - w) * b`, in any order."""
    for one, other in ((left, right), (right, left)):
        if not all(isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult) for side in (one, other)):
            return False
        mine = {ast.unparse(part) for part in ast.iter_child_nodes(one) if isinstance(part, ast.expr)}
        for part in ast.iter_child_nodes(other):
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and ast.unparse(part.right) in mine:
                return True
    return False


def bounds(node: ast.expr | None) -> Labels:
    """Where slices begin and end, in the script's words: `[i, s:n]` gives from:s and upto:n."""
    out: set[str] = set()
    for one in node.elts if isinstance(node, ast.Tuple) else [node]:
        if isinstance(one, ast.Slice):
            for word, edge in (("from", one.lower), ("upto", one.upper)):
                if edge is not None and not isinstance(edge, ast.Constant):
                    out.add(f"{word}:{ast.unparse(edge)}")
    return frozenset(out)


class Expressions(Machine):
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

    def combine(self, op: ast.operator, left: Value, right: Value, node: ast.AST) -> Value:
        """Two values under an operator."""
        a, b = left.all, right.all
        do = BINARY.get(type(op))
        const = folded(do, left.const, right.const) if do and left.known and right.known else UNSET
        settings = left.settings | right.settings if const is not UNSET else NONE
        labels = a | b
        if isinstance(const, str):
            labels |= labels_of_text(const)
        if not labels:
            return Value(labels, const, settings)
        if isinstance(op, ast.Sub):
            labels |= (
                frozenset("prev:" + one[2:] for one in a if one.startswith("i:")) if self._small(right) else NONE
            )
        if COUNT in labels:
            if isinstance(op, (ast.FloorDiv, ast.Div)) and COUNT in a:
                labels |= {PART}
            elif isinstance(op, ast.Mult):
                shrinks = any(isinstance(one.const, float) and 0 < one.const < 1 for one in (left, right))
                labels = labels | {PART} if shrinks else labels - {PART}
        if isinstance(op, (ast.Div, ast.FloorDiv)):
            labels |= self.divided(a, b, right, node)
        if GOLD in labels:
            labels |= self._priced(op, left, right, node)
        thing = None
        if isinstance(op, ast.Add) and left.thing is not None and left.thing.kind == "list":
            thing = Thing("list", content=labels)
        return Value(labels, const, settings, thing)

    def _small(self, value: Value) -> bool:
        return value.known and isinstance(value.const, int) and 1 <= value.const <= 4

    def _priced(self, op: ast.operator, left: Value, right: Value, node: ast.AST) -> Labels:
        """What arithmetic on prices of tokens adds: a weight that knows the token, a power of a probability, a price
        taken back for another."""
        a, b = left.all, right.all
        if isinstance(op, ast.Mult) and TOTAL not in a | b:
            for weight, price in ((left, right), (right, left)):
                if GOLD in price.all and (GOLD in weight.all or self._knows_target(weight.all)):
                    self.weighed[id(node)] = (weight.all, price.all)
                if GOLD in price.all and LOGARITHM in price.all and not weight.all and self._no_unit(weight, op):
                    return frozenset({f"scaled:{self.emit('scaled', node, price.all).serial}"})
        if (
            isinstance(op, ast.Div)
            and GOLD in a
            and LOGARITHM in a
            and TOTAL not in a
            and not b
            and self._no_unit(right, op)
        ):
            return frozenset({f"scaled:{self.emit('scaled', node, a).serial}"})
        if isinstance(op, ast.Sub):
            for one in starting(b, "pick:"):
                self.trace.by_serial[int(one[5:])].about = "shift"
        if isinstance(op, ast.Sub) and GOLD in a and GOLD in b and VAL in a & b and TOTAL in a & b:
            return frozenset({f"sub:{self.emit('sub', node, a, b).serial}"})
        if isinstance(op, ast.Add) and isinstance(node, ast.BinOp) and complements(node.left, node.right):
            for side in (node.left, node.right):
                if id(side) in self.weighed:
                    self.emit("weight", node, *self.weighed[id(side)])
        if isinstance(op, ast.Add) and GOLD in a and GOLD in b and TOTAL not in a | b and LOGARITHM not in a | b:
            bytewise = [self._of_bytes(one) for one in (a, b)]
            if bytewise[0] != bytewise[1]:
                return frozenset({f"bytes:{self.emit('bytes', node, a, b).serial}"})
        if isinstance(op, ast.Add) and GOLD in b and TOTAL in a & b and starting(a, "sub:") and self._back_in(node):
            return frozenset({f"rescored:{self.emit('rescored', node, a, b).serial}"})
        return NONE

    def _of_bytes(self, labels: Labels) -> bool:
        """Whether a price was counted in a table by bytes, and not by the network."""
        events = [self.trace.by_serial.get(int(one[2:])) for one in starting(labels, "r:")]
        return any(one is not None and "enc" in one.labels and starting(one.labels, "past:") for one in events)

    def _back_in(self, node: ast.AST) -> bool:
        """`total = total - old + new`, in one statement or two."""
        one = isinstance(node, ast.BinOp) and isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Sub)
        return one or isinstance(node, ast.AugAssign)

    def _no_unit(self, factor: Value, op: ast.operator) -> bool:
        """A known factor that is no change of sign or of the logarithm's base."""
        if not isinstance(factor.const, (int, float)) or isinstance(factor.const, bool) or not factor.const:
            return False
        size = abs(float(factor.const))
        return not any(abs(size - unit) < 1e-3 for unit in (1.0, 0.693147, 1.442695, 2.0, 0.5))

    def asked_for(self, label: str) -> Labels:
        """Tokens that a table is read by, those of the row it lies in included."""
        event = self.trace.by_serial.get(int(label[2:]))
        if event is None:
            return NONE
        out = starting(event.labels, "tok:") | starting(event.labels, "past:")
        for base in event.other:
            row = self.trace.by_serial.get(int(base[2:])) if base != label else None
            if row is not None:
                out |= starting(row.labels, "tok:") | starting(row.labels, "past:")
        return out

    def _knows_target(self, labels: Labels) -> bool:
        """Whether a weight was read from a row by a token that the row's own key does not hold."""
        for label in starting(labels, "r:"):
            event = self.trace.by_serial.get(int(label[2:]))
            if event is None or not event.other or "row" not in event.about:
                continue
            rows = frozenset().union(*(self.asked_for(base) for base in event.other if base != label))
            if rows and starting(event.labels, "tok:") - rows:
                return True
        return False

    def divided(self, above: Labels, below: Labels, divisor: Value, node: ast.AST) -> Labels:
        """What a quotient adds: a price spread over bytes; a count under a key that holds more than its total's."""
        added: set[str] = set()
        each = GOLD in above and GOLD not in below and TOTAL not in above | below
        if each and BYTES in below and not divisor.known:
            added.add(PER_BYTE)
        tops, bottoms = starting(above, "r:"), starting(below, "r:")
        for top in tops - bottoms:
            for bottom in bottoms - {top}:
                one, two = self.trace.by_serial.get(int(top[2:])), self.trace.by_serial.get(int(bottom[2:]))
                if one is None or two is None:
                    continue
                if (
                    self._narrower(self.asked_for(top), self.asked_for(bottom))
                    and bottom not in one.other
                    and not ("of several" in one.about and one.about.split()[0] == two.about.split()[0])
                ):
                    event = self.emit("ratio", node, above, below, key=(top, bottom))
                    added.add(f"ratio:{event.serial}")
        return frozenset(added)

    def _narrower(self, top: Labels, bottom: Labels) -> bool:
        """Whether one key holds all tokens of another, and more."""
        if not top or not bottom:
            return False
        tops, bottoms = ({one.rpartition(":")[0] for one in side} for side in (top, bottom))
        if top & self.targets and not bottom & self.targets:
            return True
        return bottoms < tops or (bottoms == tops and bottom < top)

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

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        base = self.value(node.value, scope)
        return self.attribute(base, node.attr, node)

    def attribute(self, base: Value, name: str, node: ast.AST) -> Value:
        """What `base.name` holds."""
        if name in SHAPES:
            return NOTHING
        if name == "grad":
            return of(weights(base.labels) | {"grad"})
        out: Value | None = None
        for thing in choices_of(base.thing):
            got = self._field(thing, name, base)
            out = got if out is None else out if got is None else join(out, got)
        if out is not None:
            return out
        if name in VAL_NAMES and not base.labels:
            return of(frozenset({VAL}))
        inherits = base.thing is not None and base.thing.kind in ("array", "list", "dict", "leaf", "network")
        told = inherits or bool(base.labels) or isinstance(base.const, str)
        return Value(base.all, thing=Thing("bound", name, receiver=base) if told else None)

    def _field(self, thing: Thing, name: str, base: Value) -> Value | None:
        if thing.kind == "native":
            return Value(thing=Thing("native", name))
        if thing.kind == "library":
            return Value(base.labels, thing=Thing("library", f"{thing.name}.{name}"))
        if name in thing.fields and not (thing.kind == "class" and self.member(thing, name) is not None):
            return thing.fields[name]
        if thing.kind == "module" and thing.scope is not None:
            return thing.scope.names.get(name, NOTHING)
        if thing.kind in ("instance", "network", "class"):
            method = self.member(thing, name)
            if method is not None:
                marks = {d.id for d in getattr(method.node, "decorator_list", []) if isinstance(d, ast.Name)}
                if "classmethod" in marks:
                    own = Value(thing=thing if thing.kind == "class" else thing.inner)
                    return Value(thing=Thing("partial", receiver=Value(thing=method), args=(own,)))
                if "staticmethod" in marks or (thing.kind == "class" and method.kind == "function"):
                    return Value(thing=method)
                if method.kind == "function":
                    bound = Value(thing=Thing("bound", name, inner=method, receiver=Value(base.labels, thing=thing)))
                    if marks & {"property", "cached_property"}:
                        return self.apply(bound, [], {}, method.node or ast.Pass(), method.scope or Scope(self.file))
                    return bound
                return Value(thing=method)
            found = self.member_value(thing, name)
            if found is not None:
                return found
            if thing.kind == "network":
                return Value(base.all, thing=Thing("bound", name, receiver=base))
        return None

    def member(self, thing: Thing, name: str) -> Thing | None:
        """A method of its class or of a class that this one stands on."""
        found = self.member_value(thing, name)
        return (
            found.thing if found is not None and found.thing is not None and found.thing.kind == "function" else None
        )

    def member_value(self, thing: Thing, name: str) -> Value | None:
        top = thing if thing.kind == "class" else thing.inner
        rest = [top] if top is not None else []
        seen: set[int] = set()
        while rest:
            one = rest.pop(0)
            if id(one) in seen:
                continue
            seen.add(id(one))
            if name in one.fields:
                return one.fields[name]
            rest += [base.thing for base in one.args if base.thing is not None and base.thing.kind == "class"]
        return None

    def _slice(self, node: ast.Slice, scope: Scope) -> Value:
        return self._parts(node, scope)

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
                row += " of several"
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
