"""What `base.name` holds: fields, methods found on classes, and names that say validation text."""

from __future__ import annotations

import ast

from runner.review.labels.arithmetic import Arithmetic
from runner.review.labels.values import NOTHING, VAL, Scope, Thing, Value, choices_of, join, of, weights

SHAPES = {"shape", "device", "dtype", "ndim", "itemsize", "nbytes", "is_cuda", "requires_grad", "param_groups"}
VAL_NAMES = {"val_tokens", "val_data", "val_files", "valid_tokens", "validation_tokens"}


class Attributes(Arithmetic):
    """Attributes of values and things."""

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        base = self.value(node.value, scope)
        return self.attribute(base, node.attr, node)

    def attribute(self, base: Value, name: str, node: ast.AST) -> Value:
        """What `base.name` holds."""
        if name in SHAPES:
            return NOTHING
        if name == "grad" and (base.thing is None or base.thing.kind != "library"):
            return of(weights(base.labels) | {"grad"})
        out: Value | None = None
        for thing in choices_of(base.thing):
            got = self._field(thing, name, base)
            out = got if out is None else out if got is None else join(out, got)
        if out is not None:
            return out
        if name in VAL_NAMES and not base.labels:
            return of(frozenset({VAL}))
        inherits = base.thing is not None and base.thing.kind in ("array", "list", "dict", "leaf", "network", "hook")
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
