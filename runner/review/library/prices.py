"""Prices of tokens: where one is made, added up, picked out of two, or set by hand."""

from __future__ import annotations

import ast

from runner.review.labels.values import (
    COUNT,
    GOLD,
    LOGARITHM,
    LOGITS,
    NONE,
    NOTHING,
    PER_BYTE,
    TOTAL,
    VAL,
    Labels,
    Value,
    of,
    starting,
)
from runner.review.library.files import Files

TOTALS = {"sum", "mean", "nansum", "nanmean", "average", "dot", "cumsum", "fsum", "logsumexp"}
LOGS = {"log", "log2", "log_", "log1p", "log10"}
RISES = {"exp", "exp2", "exp_", "logaddexp", "logaddexp2", "logsumexp"}


class Prices(Files):
    """Prices."""

    def price(self, args: list[Value], keywords: dict[str, Value], node: ast.AST, each: bool) -> Value:
        """The price of the token that came, under scores for all of them."""
        labels = frozenset().union(*(one.all for one in (*args, *keywords.values()))) if args else NONE
        event = self.emit("price", node, labels)
        return of(labels | {GOLD, LOGARITHM, f"g:{event.serial}"} | (NONE if each else frozenset({TOTAL})))

    def aim(self, target: Labels, given: Labels) -> None:
        """Tokens of a target that the network did not see are what is to be told."""
        self.targets |= starting(target, "tok:") - starting(given, "tok:")

    def pick(self, args: list[Value], node: ast.AST) -> Labels:
        """The smaller or larger of two prices of one token."""
        prices = [one for one in args if GOLD in one.all or self.read_by_target(one.all)]
        added: set[str] = set()
        if len(prices) > 1 and any(GOLD in one.all for one in prices):
            first, *rest = prices
            for one in rest:
                rounds = ("older" in one.all) != ("older" in first.all)
                if rounds or starting(one.all, "g:") != starting(first.all, "g:") or len(prices) > 2:
                    added.add(f"pick:{self.emit('pick', node, first.all, one.all).serial}")
        return frozenset(added)

    def read_by_target(self, labels: Labels) -> bool:
        """Whether it was read from a table by a token of this round."""
        return any(starting(self.asked_for(one), "tok:") for one in starting(labels, "r:"))

    def counted(self, labels: Labels) -> Value:
        """How many tokens a text has."""
        return of(frozenset({COUNT})) if VAL in labels and not labels & {GOLD, LOGITS} else NOTHING

    def shaped(self, tail: str, labels: Labels, args: list[Value], node: ast.AST) -> Labels:
        """Labels that a function's kind adds or takes."""
        if tail in TOTALS and GOLD in labels:
            labels |= {TOTAL}
        if tail in LOGS and GOLD not in labels and (starting(labels, "ratio:") or starting(labels, "r:")):
            event = self.emit("price", node, labels)
            labels |= {GOLD, f"g:{event.serial}"}
        if tail in LOGS or tail == "log_softmax":
            labels |= {LOGARITHM}
        if tail in RISES and PER_BYTE in labels and TOTAL not in labels:
            event = self.emit("spread", node, labels)
            labels |= {f"spread:{event.serial}"}
        if tail in ("sqrt", "pow", "power") and GOLD in labels and TOTAL not in labels:
            labels |= {f"scaled:{self.emit('scaled', node, labels).serial}"}
        if tail in ("exp", "exp_", "exp2"):
            labels -= {LOGARITHM}
        if tail == "encode":
            labels |= {"enc"}
        if tail in ("softmax", "log_softmax"):
            labels |= {LOGITS}
        if tail in ("argmax", "topk", "multinomial"):
            labels = labels - {GOLD}
        return labels

    def _forced(self, tail: str, args: list[Value], node: ast.AST) -> None:
        """A price set to a number where two texts agree."""
        if tail in ("masked_fill", "masked_fill_") and len(args) > 2 and "agree" in args[1].all:
            self._zeroed(args[0], args[2], args[1], node)
        if tail == "where" and len(args) == 3 and "agree" in args[0].all:
            for one, other in ((args[1], args[2]), (args[2], args[1])):
                self._zeroed(other, one, args[0], node)

    def _zeroed(self, price: Value, put: Value, where: Value, node: ast.AST) -> None:
        zero = put.known and not isinstance(put.const, bool) and put.const == 0
        if zero and GOLD in price.all and TOTAL not in price.all:
            self.emit("forced", node, price.all, where.all)
