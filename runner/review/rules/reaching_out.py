"""network, train_at_eval, outside, answers, valset: what a script reads, and when, as its trace shows it."""

from __future__ import annotations

from collections.abc import Iterator

from runner.review.labels.trace import Event
from runner.review.labels.values import GOLD, LOGITS, TRAIN, VAL, in_order, starting, weights
from runner.review.rules.evidence import Evidence, Finding, of_validation

SAVES = ("torch.save", "tofile", "savez", "savez_compressed", "dump", "save_file")
"""Calls that write weights; what is written line by line are counters and logs."""


def reaching_out(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """(class, finding) of calls that leave the machine, and of texts that turn up where they should not."""
    for event in evidence.trace.of("network"):
        yield "network", Finding((event,), f"{event.about} is called (l. {event.place.line}).")
    yield from _training_text_late(evidence)
    yield from _carried_over(evidence)
    yield from _answers(evidence)
    yield from _part_of_the_text(evidence)


def _frozen(evidence: Evidence) -> Event | None:
    """The first time weights come back from a file after they were last written to one."""
    last = evidence.prices[-1].event.order if evidence.prices else 0.0
    writes = evidence.trace.of("file-write")
    saved = max((one.order for one in writes if one.about.endswith(SAVES) and weights(one.labels)), default=0.0)
    loads = evidence.trace.of("load")
    return next((one for one in loads if "disk" in one.labels and saved < one.order < last), None)


def _training_text_late(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    frozen = _frozen(evidence)
    if frozen is None:
        return
    last = max(one.event.order for one in evidence.prices)
    for event in evidence.trace.of("file-read"):
        if frozen.order < event.order < last and TRAIN in event.labels and VAL not in event.labels:
            why = (
                f"Training text is read (l. {event.place.line}) after the weights came back (l. {frozen.place.line})."
            )
            yield "train_at_eval", Finding((frozen, event), why)


def _carried_over(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """A price of validation text that holds training text which no file carried."""
    frozen = _frozen(evidence)
    for price in evidence.prices:
        labels = price.event.labels | price.report.labels
        mine = starting(price.report.labels, "g:")
        held = {TRAIN, "by:train"} & price.event.labels
        if held and mine and VAL in labels and (frozen is None or price.event.order > frozen.order):
            why = (
                f"What training text left in memory is in the price (l. {price.event.place.line}) and in no artifact."
            )
            yield "outside", Finding((price.event, price.report), why)


def _answers(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    for event in evidence.trace.of("forced"):
        if of_validation(event.labels):
            why = f"A price is set to 0 (l. {event.place.line}) where stored text and the answer agree."
            yield "answers", Finding((event,), why)
    writes = [one for one in evidence.trace.of("file-write") if VAL in one.labels and not one.labels & {GOLD, LOGITS}]
    for price in evidence.prices:
        if "disk:val" in price.event.labels and writes:
            why = f"Validation text is written to a file (l. {writes[0].place.line}) and comes back for the score."
            yield "answers", Finding((writes[0], price.event, price.report), why)
    for event in evidence.trace.of("choose"):
        kept = any(event.other & one.labels for one in evidence.trace.of("file-write") if one.order > event.order)
        if GOLD in event.labels and of_validation(event.labels) and event.other and kept:
            why = f"Of several models the one with the best validation score is kept (l. {event.place.line})."
            yield "answers", Finding((event,), why)


def _part_of_the_text(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    """The last score that is reported is one of a part of the validation text."""
    if not evidence.prices:
        return
    final = max(evidence.reports, key=lambda one: one.order)
    for label in in_order(final.labels, "cut:"):
        event = evidence.trace.by_serial[int(label[4:])]
        why = f"Only a part of the validation text is scored: it is cut at {event.about} (l. {event.place.line})."
        yield "valset", Finding((event, final), why)
