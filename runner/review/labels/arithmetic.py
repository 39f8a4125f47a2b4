"""What arithmetic on labels adds.

Quotients of counts, weights that know the token, prices that are scaled, spread over bytes or taken back.
"""

from __future__ import annotations

import ast

from runner.review.labels.constants import BINARY, folded
from runner.review.labels.machine import Machine, labels_of_text
from runner.review.labels.values import (
    BYTES,
    COUNT,
    GOLD,
    LOGARITHM,
    NONE,
    PART,
    PER_BYTE,
    TOTAL,
    UNSET,
    VAL,
    Labels,
    Thing,
    Value,
    in_order,
    starting,
)


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


class Arithmetic(Machine):
    """Operators."""

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
        if GOLD in above and BYTES in below:  # prices over bytes: the score, and no quotient of counts
            return frozenset(added)
        bottoms = in_order(below, "r:")
        for top in in_order(above - below, "r:"):
            for bottom in bottoms:
                one, two = self.trace.by_serial.get(int(top[2:])), self.trace.by_serial.get(int(bottom[2:]))
                if one is None or two is None:
                    continue
                if (
                    self._narrower(self.asked_for(top), self.asked_for(bottom))
                    and bottom not in one.other
                    and not ("of several" in one.about and one.about.split()[0] == two.about.split()[0])
                ):
                    about = "row" if "apart" in one.about else ""
                    event = self.emit("ratio", node, above, below, about, key=(top, bottom))
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
