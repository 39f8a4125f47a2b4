"""Every token scored once, and its bytes: counted from what the tallies took in and from the text."""

from __future__ import annotations

import math

import numpy as np

from runner.review.facts import Check
from runner.review.prove.own.priced import Priced
from runner.review.prove.own.recount import bytes_of, sidecar
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.own.size import SPECIAL
from runner.review.prove.texts import Tokens, text

LARGE, SHORT = 6_001, 3
"""Tokens of a large text, and of its documents."""
CLOSE = 1e-9
"""Share by which a printed val_bpb may differ from the one that is worked out again."""


def scored_once(subject: OwnSubject, first: Priced) -> Check:
    """Each target once, but for fewer than a window at the text's ends that the job's rule never speaks of."""
    assert subject.own is not None
    own = subject.own
    told, bad = [], False
    for found in (first, subject.price(text(3, subject.vocab, LARGE, SHORT))):
        times = found.times
        scored = np.flatnonzero(times)
        head, tail = int(scored[0]), found.count - 1 - int(scored[-1])
        inner = times[scored[0] : scored[-1] + 1]
        again, missed = int((inner > 1).sum()), int((inner == 0).sum())
        bad = bad or bool(again or missed or max(head, tail) >= own.window + own.stride)
        ends = f", {head} at its head and {tail} at its end are not its rule's" if head or tail else ""
        told.append(
            f"{found.count:,} targets: {int((inner == 1).sum()):,} once, {again} more often, {missed} never{ends}"
        )
    done = f"counted how often each target is scored by the rule {first.rule}, and held its token against the text"
    repeat = "count the targets that each window counts"
    result = "fail" if bad else "pass"
    return Check.model_validate(
        {"name": "every token once", "result": result, "done": done, "seen": "; ".join(told), "repeat": repeat}
    )


def recounted(subject: OwnSubject, first: Priced) -> Check:
    """The bytes of the scored targets, and the bits per byte that follow."""
    assert subject.own is not None
    own, val = subject.own, subject.val
    counted, kind = _bytes(subject, val)
    mine = counted[first.places + 1]
    other = int((mine != first.sizes).sum())
    total, nats = int(mine.sum()), float(first.nats.sum())
    bpb = nats / math.log(2.0) / max(total, 1)
    done = f"counted the bytes of {len(first.places)} targets by {kind}, and val_bpb from their prices"
    seen = (
        f"{total:,} bytes against {first.said_bytes:,} printed, {other} targets differ; val_bpb {bpb:.9f} against "
        f"{first.said_bpb:.9f}"
    )
    close = CLOSE if own.config.eval.sums == "float64" else 1e-6
    good = total == first.said_bytes and not other and abs(bpb - first.said_bpb) <= close * bpb
    repeat = "sum of nats / ln 2 / bytes of the text's pieces"
    return Check(name="byte recount", result="pass" if good else "fail", done=done, seen=seen, repeat=repeat)


def _bytes(subject: OwnSubject, val: Tokens) -> tuple[np.ndarray, str]:
    assert subject.own is not None
    if subject.own.config.eval.byte_sidecar:
        return sidecar(val).astype(np.int64), "the sidecar beside the text"
    return bytes_of(val, subject.own.pieces, SPECIAL), "the pieces of its tokenizer"
