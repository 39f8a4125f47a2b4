"""Functions over tensors: losses, gathers, choices, sums; and fresh tensors."""

from __future__ import annotations

import ast
from typing import Any

from runner.review.labels.machine import labels_of_text
from runner.review.labels.values import GOLD, NONE, NOTHING, TOTAL, UNSET, VAL, Labels, Value
from runner.review.library.tables import GATHERS, Tables

FRESH = {
    *("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like", "rand", "randn"),
    *("randint", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque", "set", "dict", "randn_like", "eye"),
}
COUNTS = {"numel", "size", "dim", "len", "data_ptr", "element_size", "nelement", "perf_counter", "time", "monotonic"}
LOSSES = {"cross_entropy", "nll_loss", "linear_cross_entropy", "fused_cross_entropy", "CrossEntropyLoss"}
PICKS = {"where", "minimum", "maximum", "fmin", "fmax", "min", "max", "amin", "amax"}


class Tensors(Tables):
    """Tensors."""

    def _fresh(self, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        wanted = keywords.get("requires_grad")
        if wanted is not None and wanted.const is True:
            return self.leaf(node, args)
        kind = "dict" if tail in ("defaultdict", "OrderedDict", "Counter", "dict", "set") else "array"
        made = self.thing(node, kind, tail)
        if tail == "dict":
            made.fields.update(keywords)
        if kind == "array" and args and args[0].known and isinstance(args[0].const, int):
            made.name = f"{tail}:{args[0].const}"
        labels: Labels = NONE
        if tail == "full" and len(args) > 1:
            labels = args[1].all
        elif tail in ("Counter", "dict", "set", "deque", "OrderedDict") and args:
            labels = args[0].all
        made.content |= labels
        return Value(thing=made)

    def _tensor(self, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, name: str) -> Value:
        """A function over tensors."""
        labels: Labels = NONE
        for one in (*args, *keywords.values()):
            labels |= one.all
        if tail in LOSSES:
            reduction = keywords.get("reduction")
            aimed = keywords.get("target", args[1] if len(args) > 1 else NOTHING)
            if args and VAL in aimed.all:
                self.aim(aimed.all, args[0].all)
            return self.price(args, keywords, node, reduction is not None and reduction.const == "none")
        if tail in GATHERS and len(args) > 1:
            return self.read(args[0], args[2] if len(args) > 2 else args[1], node)
        if tail in COUNTS:
            return self.counted(labels)
        if tail in PICKS:
            if tail != "where":
                labels |= self.pick(args, node)
            elif len(args) == 3 and GOLD in args[0].all and TOTAL not in args[0].all:
                labels |= self.pick(args[-2:], node)
            two = tail == "where" and len(args) == 3 and not (GOLD in args[1].all and GOLD in args[2].all)
            if two and GOLD in args[0].all and TOTAL not in args[0].all:
                self.emit("weight", node, args[0].all, args[1].all | args[2].all)
        self._forced(tail, args, node)
        labels = self.shaped(tail, labels, args, node)
        if tail in ("from_numpy", "as_tensor", "asarray", "ascontiguousarray", "array", "tensor") and args:
            thing = args[0].thing
            if keywords.get("requires_grad", NOTHING).const is True:
                return self.leaf(node, args)
            kept = (
                thing
                if thing is not None and thing.kind in ("array", "leaf", "list", "network")
                else self.thing(node, "array")
            )
            return Value(labels, thing=kept)
        const: Any = UNSET
        if tail == "join" and args and all(one.known for one in args):
            const = "/".join(str(one.const) for one in args)
            labels |= labels_of_text(const)
        elif tail in ("Path", "expanduser", "abspath", "str") and args and args[0].known:
            const = args[0].const
        settings = frozenset().union(*(one.settings for one in args)) if const is not UNSET else NONE
        return Value(labels, const, settings)
