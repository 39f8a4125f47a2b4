"""val_train, ttt_order, slot: what was learnt from validation tokens, and whether they were priced before.

An update and a price are compared by the loops that both run in. Where those tell tokens apart, the two meet on the
same tokens in one round: the order inside the round decides. Where they share a loop that does not tell tokens apart
(an epoch), a later round prices what an earlier one learnt. Where they share none, the update saw everything first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from runner.review.labels.trace import Event, Loop
from runner.review.labels.values import VAL, starting, weights
from runner.review.rules.evidence import Evidence, Finding, Price


def learning(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """(class, finding) of every update by validation tokens that reaches a price of the same tokens."""
    updates = [one for one in evidence.trace.of("update", "fit") if VAL in one.labels]
    for update in updates:
        for price in evidence.prices:
            found = _meet(evidence, update, price)
            if found is not None:
                name, finding = found
                yield name, finding if _kept(evidence, update) else replace(finding, firm=False)


def _kept(evidence: Evidence, update: Event) -> bool:
    """Whether what hooks saw of the tokens gets into weights or into a file; an update always does."""
    if update.kind != "fit":
        return True
    mark = f"fit:{update.serial}"
    return any(mark in one.labels | one.other for one in evidence.trace.of("load", "snap", "file-write", "attach"))


def _meet(evidence: Evidence, update: Event, price: Price) -> tuple[str, Finding] | None:
    event = price.event
    shared = _shared(update, event)
    told_apart = [loop for loop in shared if f"i:{loop.serial}" in event.indexes]
    epochs = [loop for loop in shared if _is_epoch(loop, price) and _repeats(update, event, loop)]
    after = event.order > update.order
    spoilt = evidence.spoilt(update, event.order if after else update.order)
    if not spoilt & _used(event):
        return None
    leaf = bool(update.other) and weights(update.other) <= evidence.leaves
    if told_apart:
        same = all(f"i:{loop.serial}" in update.indexes for loop in told_apart)
        if after and same and not _earlier_chunk(update, told_apart):
            if leaf and _on_context(evidence, update, event):
                # On context alone it is undecided, but for one tensor for windows that hold each other's tokens.
                name, found = _say("slot", update, price, "of the context of the same windows in the same round")
                return name, replace(found, firm=found.holds and _shared_by_windows(evidence, update))
            return _say("slot" if leaf else "ttt_order", update, price, "of the same tokens in the same round")
        if epochs and not _fresh_in(evidence, update, epochs[-1]):
            return _say(
                "slot" if leaf else "ttt_order",
                update,
                price,
                f"again in a later round of line {_line(epochs[-1], update)}",
            )
        return None
    if epochs and not after and not _fresh_in(evidence, update, epochs[-1]):
        return _say("slot" if leaf else "ttt_order", update, price, "again in a later round")
    if after:
        return _say("val_train", update, price, "that are scored only afterwards")
    return None


def _on_context(evidence: Evidence, update: Event, price: Event) -> bool:
    """Whether the loss ends where the score begins, in the script's own words."""
    ends = {one[5:] for one in starting(update.labels, "upto:")}
    for event in evidence.trace.of("score", "store", "report"):
        mine = {one.split("@")[0] for one in starting(event.labels, "g:")}
        if f"g:{price.serial}" in mine and ends & {one[5:] for one in starting(event.labels, "from:")}:
            return True
    return False


def _shared_by_windows(evidence: Evidence, update: Event) -> bool:
    """Whether one tensor is fitted for a whole batch of windows, whose contexts hold each other's scored tokens."""
    for event in evidence.trace.of("leaf"):
        if event.other & update.other and re.search(r"\(\s*\(?\s*1\s*,", event.about):
            return True
    return False


def _used(event: Event) -> frozenset[str]:
    return weights(event.labels)


def _shared(a: Event, b: Event) -> list[Loop]:
    out = []
    for mine, its in zip(a.loops, b.loops, strict=False):
        if mine.serial != its.serial:
            break
        out.append(its)
    return out


def _is_epoch(loop: Loop, price: Price) -> bool:
    """A loop whose rounds go over the same tokens."""
    if loop.kind not in ("range", "for") or loop.serial in price.first_of or loop.first_only:
        return False
    return f"i:{loop.serial}" not in price.event.indexes


def _repeats(update: Event, event: Event, loop: Loop) -> bool:
    return f"i:{loop.serial}" not in update.indexes


def _earlier_chunk(update: Event, loops: list[Loop]) -> bool:
    """It learns from the chunk before."""
    return any(f"prev:{loop.serial}" in update.labels for loop in loops)


def _fresh_in(evidence: Evidence, update: Event, loop: Loop) -> bool:
    """Whether every round of `loop` starts with fresh weights."""
    depth = [one.serial for one in update.loops].index(loop.serial)
    for event in evidence.trace.of("reset", "load", "leaf"):
        inside = [one.serial for one in event.loops[: depth + 1]] == [one.serial for one in update.loops[: depth + 1]]
        if inside and len(event.loops) == depth + 1 and event.order < update.order and event.other & update.other:
            return True
    return False


def _line(loop: Loop, update: Event) -> int:
    return update.place.line


def _say(name: str, update: Event, price: Price, how: str) -> tuple[str, Finding]:
    verb = "are fitted by hooks" if update.kind == "fit" else "reach an optimizer step"
    where = f" in {update.function}" if update.function else ""
    why = (
        f"Validation tokens {verb}{where} (l. {update.place.line}), {how}: priced in l. {price.event.place.line},"
        f" reported in l. {price.report.place.line}."
    )
    found = Finding((update, price.event, price.report), why)
    # A tensor of its own that is fitted by a setting off by default was an experiment more often than not.
    return name, found if name != "slot" or found.holds else replace(found, firm=False)


__all__ = ["learning"]
