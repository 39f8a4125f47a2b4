"""Weights: leaves, optimizers, copies, and what steps, loads and resets them."""

from __future__ import annotations

import ast

from runner.review.labels.values import NONE, NOTHING, VAL, Scope, Thing, Value, weights
from runner.review.library.prices import Prices

INPLACE = {"add_", "sub_", "mul_", "lerp_", "addcmul_", "addcdiv_", "div_", "foreach_add_"}


class Gradients(Prices):
    """Weights and their updates."""

    def fresh(self, value: Value) -> bool:
        """Whether it is a tensor made here that is nobody's weight."""
        return value.thing is not None and value.thing.kind == "array" and not weights(value.all)

    def leaf(self, node: ast.AST, args: list[Value], made: ast.AST | None = None) -> Value:
        """A tensor of its own that is fitted; `made` is where it came from, if not here."""
        own = self.thing(node, "leaf")
        inputs = frozenset().union(*(one.all for one in args)) if args else NONE
        if self.owner:
            return Value(self.owner | (inputs - {"grad"}), thing=own)
        self.emit("leaf", node, inputs, frozenset({f"w:{own.serial}"}), about=ast.unparse(made or node)[:120])
        return Value(frozenset({f"w:{own.serial}", "leaf"}) | (inputs - {"grad"}), thing=own)

    def optimizer(self, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
        made = self.thing(node, "optimizer")
        for one in (*args, *keywords.values()):
            made.content |= weights(one.all) | (one.all & {"leaf"})
        return Value(made.content, thing=made)

    def copied(self, value: Value, node: ast.AST) -> Value:
        """A deep copy: weights of their own, as good as those that they come from."""
        thing = value.thing
        if thing is not None and thing.kind == "network":
            made = self.thing(node, "network", thing.name)
            made.inner = thing.inner
            made.fields = dict(thing.fields)
            mine = frozenset({f"w:{made.serial}"})
            self.emit("load", node, value.all, mine)
            return Value(mine, thing=made)
        return self.snapshot(value, node)

    def snapshot(self, value: Value, node: ast.AST) -> Value:
        if not weights(value.all):
            return value
        event = self.emit("snap", node, value.all)
        return Value(
            value.all | {f"snap:{event.serial}"},
            thing=value.thing if value.thing and value.thing.kind == "dict" else None,
        )

    def _on_gradients(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value | None:
        labels = frozenset().union(*(one.all for one in args)) if args else NONE
        if name == "backward":
            self.gradient = receiver.all
            self.emit("backward", node, receiver.all)
            return NOTHING
        if name == "step" and (receiver.thing is None or receiver.thing.kind != "scheduler"):
            for one in args:
                if one.thing is not None and one.thing.kind in ("function", "bound", "partial"):
                    self.apply(one, [], {}, node, Scope(self.file))
            return self.stepped(receiver, node)
        if name in ("load_state_dict", "copy_", "set_") and args:
            if weights(receiver.all):
                self.emit("load", node, labels, weights(receiver.all))
            elif receiver.thing is not None:
                receiver.thing.content |= labels
            return receiver
        if name in INPLACE and weights(receiver.all) and args:
            if "grad" in labels:
                self.emit("update", node, self.gradient, weights(receiver.all))
            elif labels & {VAL, "train"} and not weights(labels):
                self.emit("update", node, labels, weights(receiver.all))
            return receiver
        if (
            name != "zero_grad"
            and name.startswith(("reset", "zero_", "fill_", "normal_", "uniform_", "init_"))
            and weights(receiver.all)
        ):
            self.emit("reset", node, other=weights(receiver.all))
            return receiver
        if name.endswith(("forward_hook", "forward_pre_hook")):
            self.hooks = weights(receiver.all) | {"on"}
            self.watchers += args[:1]
            return Value(thing=Thing("hook"))
        if name == "remove" and receiver.thing is not None and receiver.thing.kind == "hook":
            self.hooks = NONE
            self.watchers.clear()
            return NOTHING
        return None

    def stepped(self, receiver: Value, node: ast.AST) -> Value:
        if self.gradient and (
            receiver.thing is None or receiver.thing.kind in ("optimizer", "either", "list", "instance")
        ):
            params = weights(receiver.all) or weights(self.gradient)
            self.emit("update", node, self.gradient, params)
        return NOTHING
