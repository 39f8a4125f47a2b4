"""Tables, dictionaries and histories: what is put in under which key, and read out."""

from __future__ import annotations

import ast

from runner.review.labels.values import NONE, NOTHING, VAL, Thing, Value, choices_of, of, starting
from runner.review.library.gradients import Gradients

SCATTERS = {"scatter_add_", "index_add_", "scatter_", "index_put_", "put_", "scatter_reduce_", "index_copy_"}
GATHERS = {"gather", "take_along_axis", "take_along_dim", "index_select", "take"}


class Tables(Gradients):
    """Tables."""

    def write(self, table: Value, key: Value, value: Value, node: ast.AST) -> None:
        """`table[key] = value`, however it is spelled."""
        for thing in choices_of(table.thing):
            keyed = frozenset(f"by:{one}" for one in key.all & {VAL, "train"})
            thing.content |= value.all | starting(key.all, "i:") | keyed
            self.emit("write", node, key.all, value.all | table.labels, about=str(thing.serial))

    def _on_tables(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value | None:
        thing = receiver.thing
        if name in SCATTERS and args:
            index = 1 if len(args) > 1 and args[0].known else 0
            self.write(receiver, args[index], args[index + 1] if len(args) > index + 1 else NOTHING, node)
            return receiver
        if name in GATHERS and args:
            return self.read(receiver, args[1] if len(args) > 1 else args[0], node)
        if thing is None or thing.kind not in ("array", "dict", "list"):
            return None
        if name in ("append", "add", "appendleft", "extend", "update", "insert") and args:
            item = args[-1].plus(frozenset(f"i:{one}" for one in self.asked))
            labels = item.all
            if thing.name in ("bytearray", "deque"):  # a history: what is read from it was put in earlier
                labels = frozenset("past:" + one[4:] if one.startswith("tok:") else one for one in labels)
            thing.content |= labels
            if name == "append" and item.thing is not None:
                thing.fields[-1 - len(thing.fields) % 4] = item
            if thing.kind == "dict":
                self.emit("write", node, item.all, about=str(thing.serial))
            return NOTHING
        if name in ("get", "pop", "popleft") and args:
            known = (
                thing.fields.get(args[0].const) if args[0].known and isinstance(args[0].const, (str, int)) else None
            )
            if known is not None:
                return known
            out = self.read(Value(receiver.labels, thing=thing), args[0], node)
            return Value(out.labels | (args[1].all if len(args) > 1 else NONE), thing=out.thing)
        if name == "setdefault" and len(args) > 1:
            made = self.thing(node, args[1].thing.kind, "row") if args[1].thing is not None else None
            thing.content |= frozenset(f"by:{one}" for one in args[0].all & {VAL, "train"})
            if made is not None:
                thing.fields[("row", made.serial)] = Value(thing=made)
            got = self.read(Value(receiver.labels, thing=thing), args[0], node)
            return Value(got.labels, thing=made)
        if name == "items":
            element = Value(receiver.all, thing=self._element(thing))
            return Value(receiver.all, thing=Thing("zip", args=(of(thing.content), element)))
        if name == "values":
            return Value(receiver.all, thing=Thing("list", fields=thing.fields, content=thing.content))
        if name == "keys":
            return of(receiver.all)
        return None
