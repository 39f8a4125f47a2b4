"""Functions of the language itself."""

from __future__ import annotations

import ast
from dataclasses import replace

from runner.review.labels.constants import BUILTINS, folded
from runner.review.labels.values import (
    BYTES,
    COUNT,
    NONE,
    NOTHING,
    PART,
    UNSET,
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
from runner.review.library.tensors import Tensors


class BuiltinCalls(Tensors):
    """Builtins."""

    def _builtin(
        self, name: str, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value | None:
        if name in BUILTINS:
            if name == "len":
                out: Labels = (
                    frozenset({BYTES}) if args and ("enc" in args[0].all or starting(args[0].all, "r:")) else NONE
                )
                if args and args[0].known and args[0].thing is None:
                    return Value(out, folded(len, args[0].const), args[0].settings)
                return of(out | self.counted(args[0].all if args else NONE).labels)
            if name == "min" and len(args) > 1 and any(COUNT in one.all for one in args):
                capped = any(isinstance(one.const, int) and one.const > 1 for one in args)
                return of(frozenset().union(*(one.all for one in args)) | ({PART} if capped else NONE))
            if name in ("min", "max") and len(args) > 1:
                picked = self.pick(args, node)
                if picked:
                    return of(picked.union(*(one.all for one in args)))
            if args and all(one.known for one in args) and not keywords:
                const = folded(BUILTINS[name], *(one.const for one in args))
                settings = frozenset().union(*(one.settings for one in args))
                if const is not UNSET:
                    return Value(frozenset().union(*(one.all for one in args)), const, settings)
            if name in ("int", "float", "abs", "round") and args:
                return of(args[0].all)
            if name in ("list", "tuple", "sorted") and args:
                return self._collected(args[0], node)
            if name in ("min", "max") and len(args) == 1:
                key = keywords.get("key")
                if key is not None:
                    self._keyed(args[0], key, node, scope)
            return None
        if name in (
            "enumerate",
            "zip",
            "reversed",
            "iter",
            "tqdm",
            "tqdm.tqdm",
            "trange",
            "itertools.chain",
            "chain",
            "next",
            "anext",
        ):
            return self._iterated(name, args, node)
        if tail in ("range", "trange"):
            labels = (
                frozenset().union(*(starting(one.all, "i:") | (one.all & {"span"}) for one in args)) if args else NONE
            )
            return Value(labels, thing=Thing("range"))
        if name == "getattr" and len(args) > 1 and args[1].known:
            found = self.attribute(args[0], str(args[1].const), node)
            blank = found.thing is None and not found.labels and not found.known
            missing = blank or (found.thing is not None and found.thing.kind == "bound" and found.thing.inner is None)
            return args[2] if len(args) > 2 and missing else found
        if name == "setattr" and len(args) > 2 and args[1].known:
            for thing in choices_of(args[0].thing):
                thing.fields[str(args[1].const)] = args[2]
            return NOTHING
        if name in (
            "isinstance",
            "hasattr",
            "callable",
            "issubclass",
            "id",
            "type",
            "print",
            "super",
            "vars",
            "globals",
            "locals",
        ):
            return NOTHING
        if tail == "SimpleNamespace":
            made = self.thing(node, "instance")
            made.fields.update(keywords)
            return Value(thing=made)
        if name in ("exec", "eval", "compile", "__import__") or tail == "import_module":
            self.emit("dynamic", node, about=name)
            if tail in ("import_module", "__import__") and args and isinstance(args[0].const, str):
                return self.load_module(args[0].const) or Value(thing=Thing("library", args[0].const))
        return None

    def _keyed(self, many: Value, key: Value, node: ast.AST, scope: Scope) -> None:
        """min(…, key=…): what it chooses by."""

        def one(item: Value) -> None:
            chosen = self.apply(key, [item], {}, node, scope)
            self.emit("choose", node, chosen.all, weights(item.all | chosen.all))

        self.each(many, node, one)

    def _collected(self, many: Value, node: ast.AST) -> Value:
        if many.thing is None or many.thing.kind not in ("generator", "zip", "range"):
            if many.thing is not None and many.thing.kind == "dict":
                return Value(many.all, thing=Thing("list", content=many.thing.content))
            return replace(many, const=UNSET) if many.thing is not None else of(many.all)
        made = self.thing(node, "list")

        def one(item: Value) -> None:
            made.content |= item.all
            if item.thing is not None:
                made.fields[-1 - len(made.fields) % 4] = item

        self.each(many, node, one)
        return Value(made.content, thing=made)

    def _iterated(self, name: str, args: list[Value], node: ast.AST) -> Value:
        if name == "enumerate" and args:
            return Value(args[0].labels, thing=Thing("zip", args=(Value(thing=Thing("range")), args[0])))
        if name in ("zip",):
            labels = frozenset().union(*(one.labels for one in args)) if args else NONE
            return Value(labels, thing=Thing("zip", args=tuple(args)))
        if name in ("next", "anext") and args:
            got: list[Value] = []
            self.each(args[0], node, got.append)
            out = got[0] if got else NOTHING
            for one in got[1:]:
                out = join(out, one)
            return out
        if not args:
            return NOTHING
        return args[0] if len(args) == 1 or "tqdm" in name else of(frozenset().union(*(one.all for one in args)))
