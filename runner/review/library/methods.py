"""Methods of values that are no instances of the script's own classes."""

from __future__ import annotations

import ast
from collections.abc import Callable

from runner.review.labels.constants import method
from runner.review.labels.machine import labels_of_text
from runner.review.labels.values import GOLD, NONE, NOTHING, UNSET, Scope, Thing, Value, of, weights
from runner.review.library.builtin_calls import BuiltinCalls
from runner.review.library.files import READS, WRITES
from runner.review.library.tensors import COUNTS

PARAMETERS = {
    "parameters",
    "named_parameters",
    "state_dict",
    "named_buffers",
    "buffers",
    "modules",
    "named_modules",
    "children",
}
ITSELF = {
    *("to", "cuda", "cpu", "float", "half", "bfloat16", "double", "train", "eval", "requires_grad_", "contiguous"),
    *("detach", "view", "reshape", "flatten", "squeeze", "unsqueeze", "numpy", "pin_memory", "apply", "astype"),
    *(
        "view_as",
        "expand",
        "long",
        "int",
        "transpose",
        "permute",
        "share_memory_",
        "ravel",
        "copy_to",
        "compile",
        "type",
    ),
}


class Methods(BuiltinCalls):
    """Methods."""

    def method_call(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        """A method of a value that is not an instance of the script's own class."""
        thing = receiver.thing
        if receiver.known and isinstance(receiver.const, str):
            const = (
                method(name, receiver.const, [one.const for one in args]) if all(one.known for one in args) else UNSET
            )
            if name == "encode":
                return of(receiver.labels | {"enc"})
            settings = receiver.settings.union(*(one.settings for one in args))
            return Value(
                receiver.labels | (labels_of_text(const) if isinstance(const, str) else NONE),
                const,
                settings if const is not UNSET else NONE,
            )
        special: Callable[..., Value | None]
        for special in (self._on_gradients, self._on_tables):
            out = special(receiver, name, args, keywords, node)
            if out is not None:
                return out
        if name in COUNTS:
            return self.counted(receiver.all)
        if name in ("data_as", "ctypes") and thing is not None and thing.receiver is not None:
            return thing.receiver
        if name in ("clone", "copy") and weights(receiver.all):
            return self.snapshot(receiver, node)
        if name in PARAMETERS and weights(receiver.all):
            labels = weights(receiver.all)
            if name.startswith("named_"):
                return Value(labels, thing=Thing("zip", args=(NOTHING, of(labels))))
            if name == "state_dict":
                return Value(labels, thing=Thing("dict", content=labels))
            return of(labels)
        if name == "requires_grad_" and not (args and args[0].const is False) and self.fresh(receiver):
            fitted = self.leaf(node, [receiver], made=receiver.thing.node if receiver.thing is not None else None)
            called = getattr(node, "func", None)
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):  # in place
                scope.put(called.value.id, fitted)
            return fitted
        if name in ITSELF:
            if keywords.get("copy", NOTHING).const is True:
                return self.snapshot(receiver, node)
            kept = thing if thing is not None and thing.kind in ("array", "leaf", "network", "list") else None
            return Value(receiver.all, thing=kept)
        if name in READS and name != "load":
            return self.file_read([receiver, *args], node, name)
        if name in WRITES and name != "save":
            return self.file_write([receiver, *args] if name == "tofile" else args, node, name)
        if name.endswith("_") and thing is not None and thing.kind == "array":
            thing.content |= frozenset().union(NONE, *(one.all for one in args))
            if name == "zero_" and GOLD in receiver.all:
                self.emit("wiped", node, receiver.all, about=str(thing.serial))
            return receiver
        return self._tensor(name, [receiver, *args], keywords, node, name)
