"""Networks of the script: what calling one on tokens gives, and which of their methods do more than compute."""

from __future__ import annotations

import ast

from runner.review.labels.values import GOLD, LOGITS, NOTHING, VAL, Labels, Scope, Thing, Value, of, weights
from runner.review.library.library import Library
from runner.review.nodes import remembered, walk

TARGETS = ("target", "targets", "target_ids", "labels", "y", "tgt", "target_tokens", "y_batch")
DOING = {"backward", "scatter_add_", "index_add_", "step", "at", "gather"}
QUIET = {"__init__", "forward", "_init_weights", "extra_repr", "reset_parameters"}


class Networks(Library):
    """Networks."""

    def _worth_following(self, node: ast.AST | None) -> bool:
        """Whether a network's method does more than compute: fills tables, takes steps, or prices a token."""
        return node is not None and getattr(node, "name", "") not in QUIET and does_more(node)

    def _network_method(
        self, receiver: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST, scope: Scope
    ) -> Value:
        if (
            name.startswith(
                ("forward", "get_logits", "logits", "compute", "encode", "embed", "hidden", "loss", "generate")
            )
            and "hook" not in name
        ):
            return self.forward(receiver, name, args, keywords, node)
        return self.method_call(receiver, name, args, keywords, node, scope)

    def forward(
        self, network: Value, name: str, args: list[Value], keywords: dict[str, Value], node: ast.AST
    ) -> Value:
        """A network on tokens: scores of all tokens, or the price of those that came where it is told them."""
        mine = weights(network.all)
        labels: Labels = mine
        for one in (*args, *keywords.values()):
            labels |= one.all
        if self.hooks and labels & {VAL, "train"}:
            self._watched(node, labels, mine)
        target = keywords.get(next((key for key in TARGETS if key in keywords), ""))
        if target is None and len(args) > 1 and args[1].all & {VAL, "train"} and not weights(args[1].all):
            target = args[1]
        if target is not None and args and args[0].all & {VAL, "train"}:
            self.aim(target.all, args[0].all)
            return self.price([of(labels)], {}, node, self._each_token(network.thing, name))
        return of((labels - {GOLD}) | {LOGITS})

    def _watched(self, node: ast.AST, labels: Labels, mine: Labels) -> None:
        """What runs through a network reaches its hooks: `fit:N` marks what they keep of it."""
        event = self.emit("fit", node, labels, mine)
        kept = of(frozenset({f"fit:{event.serial}"}))
        watchers, self.watchers = self.watchers, []
        for one in watchers:
            self.apply(one, [NOTHING, kept, kept], {}, node, Scope(self.file))
        self.watchers = watchers

    def _each_token(self, thing: Thing | None, name: str) -> bool:
        """Whether a network's method gives a price for each token."""
        top = thing.inner if thing is not None else None
        return top is None or top.node is None or reduces_nothing(top.node)


@remembered
def does_more(method: ast.AST) -> bool:
    """Whether a method stores into a table, or calls what takes a step or looks tokens up."""
    for one in walk(method):
        if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store):
            return True
        if isinstance(one, ast.Attribute) and one.attr in DOING:
            return True
    return False


@remembered
def reduces_nothing(network: ast.AST) -> bool:
    """Whether a network prices tokens with `reduction="none"`."""
    return any(
        isinstance(one, ast.keyword) and one.arg == "reduction" and getattr(one.value, "value", "") == "none"
        for one in walk(network)
    )
