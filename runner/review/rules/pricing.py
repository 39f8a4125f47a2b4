"""ngram, mixture, two_pass: what was known of the token when its price was made, and whether prices sum to one.

A count under a key that holds the token, over a count under the key without it, is no distribution. Neither is the
larger of two probabilities, a power of one, or one spread evenly over bytes and mixed there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from runner.review.labels.trace import Event
from runner.review.labels.values import GOLD, TOTAL, in_order, starting
from runner.review.rules.evidence import Evidence, Finding, of_validation

SPREAD_IN_C = re.compile(
    r"=\s*-?\s*\(?\w*(?:nll|logp|lp|loss)\w*\[[^\]]*\]\)?\s*/\s*(?:\(\s*(?:double|float)\s*\)\s*)?[a-z_]\w*\s*;"
)
"""A price of a token over a number, assigned: `nn = -nll[i] / (double)nb;`."""


def pricing(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """(class, finding) of every price that knows its token or is one of several."""
    for serial, report in evidence.reported("ratio:").items():
        event = evidence.trace.by_serial[serial]
        if not of_validation(event.labels | event.other):
            continue
        top = next(
            (evidence.trace.by_serial[int(one[2:])] for one in in_order(event.labels - event.other, "r:")), event
        )
        # Rows with a count for each token may well sum to the total that is kept beside them.
        firm = event.about != "row"
        key = _where(event, "a table is read by a key that holds the token itself")
        yield "ngram", Finding((top, event, report), key, firm)
        quotient = _where(event, "two counts under different keys are divided: no distribution")
        yield "mixture", Finding((event, report), quotient, firm)
    yield from _reaching(evidence, "spread:", "mixture", "a token's price is spread over its bytes and mixed there")
    yield from _reaching(
        evidence, "bytes:", "mixture", "a token's price and a price made of its bytes are mixed for the token alone"
    )
    yield from _native(evidence)
    yield from _reaching(
        evidence, "scaled:", "mixture", "a token's price is scaled: a power of a probability, not renormalised"
    )
    yield from _reaching(evidence, "rescored:", "two_pass", "a price is taken back and another put in its place")
    yield from _picks(evidence)
    yield from _weights(evidence)
    yield from _rounds(evidence)
    yield from _stores(evidence)


def _where(event: Event, what: str) -> str:
    return f"In {event.function or 'the script'} (l. {event.place.line}) {what}."


def _reaching(evidence: Evidence, prefix: str, name: str, what: str) -> Iterator[tuple[str, Finding]]:
    for serial, report in evidence.reported(prefix).items():
        event = evidence.trace.by_serial[serial]
        if of_validation(event.labels):
            yield name, Finding((event, report), _where(event, f"{what}; reported in l. {report.place.line}"))


def _shown(evidence: Evidence, event: Event) -> Event | None:
    """The report that shows what `event` priced."""
    mine = {one.split("@")[0] for one in starting(event.labels | event.other, "g:")}
    for report in evidence.reports:
        if mine & {one.split("@")[0] for one in starting(report.labels, "g:")}:
            return report
    return None


def _native(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """Code in another language that was given the tokens: what it does with them is not read, but for its shape."""
    for serial, report in evidence.reported("native:").items():
        event = evidence.trace.by_serial[serial]
        if not of_validation(event.labels):
            continue
        priced = GOLD in event.labels
        spread = priced and any(SPREAD_IN_C.search(text) and "exp(" in text for text in evidence.texts)
        what = (
            "code in C spreads a token's price over its bytes and mixes it"
            if spread
            else "code that was not read is given the tokens"
        )
        yield "mixture" if priced else "ngram", Finding((event, report), _where(event, what), firm=spread)


def _picks(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    for event in evidence.trace.of("pick"):
        both = event.labels & event.other
        report = _shown(evidence, event)
        if event.about == "shift":  # the larger of two logarithms is taken off both before they are added
            continue
        if report is None or not of_validation(both) or TOTAL in event.labels | event.other:
            continue
        yield "mixture", Finding((event, report), _where(event, "the better of two prices of one token is taken"))
        yield "two_pass", Finding((event, report), _where(event, "the better of two prices of one token is taken"))


def _weights(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    for event in evidence.trace.of("weight"):
        report = _shown(evidence, event)
        if report is not None and of_validation(event.labels | event.other) and GOLD in event.other:
            yield (
                "ngram",
                Finding((event, report), _where(event, "a weight of the mixture depends on the token itself")),
            )


def _rounds(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """A price that every round of an epoch counts."""
    prices = {one.event.serial: one for one in evidence.prices}
    for event in evidence.trace.of("score"):
        asked = set(event.about.split())
        for label in in_order(event.labels, "g:"):
            price = prices.get(int(label[2:].split("@")[0]))
            if price is None:
                continue
            for loop in price.event.loops:
                inside = any(one.serial == loop.serial for one in event.loops)
                free = str(loop.serial) not in asked and loop.serial not in price.first_of
                if not _outside(evidence, label, loop.serial):  # each round's own score is shown, as a look at it
                    continue
                if inside and free and loop.kind == "range" and _epoch(price.event, loop.serial):
                    yield (
                        "two_pass",
                        Finding(
                            (price.event, event, price.report),
                            _where(event, "every epoch scores the same tokens again"),
                        ),
                    )


def _outside(evidence: Evidence, label: str, serial: int) -> bool:
    """Whether a report outside a loop shows the price under `label`."""
    name = label.split("@")[0]
    for report in evidence.reports:
        shows = name in {one.split("@")[0] for one in starting(report.labels, "g:")}
        if shows and all(loop.serial != serial for loop in report.loops):
            return True
    return False


def _epoch(event: Event, serial: int) -> bool:
    """A loop around another that goes over the tokens, and does not itself."""
    position = [one.serial for one in event.loops].index(serial)
    inner = [one.serial for one in event.loops[position + 1 :]]
    return f"i:{serial}" not in event.indexes and any(f"i:{one}" in event.indexes for one in inner)


def _stores(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """Prices of one array written by two loops, the second with counts that the first left."""
    stores: dict[str, list[Event]] = {}
    for event in evidence.trace.of("store"):
        if event.about and event.loops:
            stores.setdefault(event.about, []).append(event)
    for events in stores.values():
        for before, after in pairwise(events):
            apart = {one.serial for one in before.loops}.isdisjoint({one.serial for one in after.loops})
            report = _shown(evidence, after)
            if apart and report is not None and "by:val" in after.labels and starting(after.labels, "r:"):
                yield (
                    "two_pass",
                    Finding(
                        (before, after, report), _where(after, "prices are written over with counts of all tokens")
                    ),
                )
