"""Which text was scored, how many bytes it was said to be, and whether one document reaches into the next."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from runner.review.facts import Proof
from runner.review.prove.orders import MOVED
from runner.review.prove.subject import Subject
from runner.review.prove.texts import BOS, other, starts, text, with_token

LARGE, SHORT = 24_001, 3
"""Tokens of a large text, and of its documents: more documents than a default that keeps ten thousand would drop."""
DOCUMENTS = 3
TOLD = 1e-4
"""Nats that a mixer of one token must move a price by. Attention of a model that hardly learnt moves it by less, and
the token before by a hundredth of that."""
SPACE = "\u2581"


def texts_scored(subject: Subject) -> Iterator[tuple[str, Proof]]:
    """valset, bos and bytecount."""
    yield "valset", _whole(subject)
    yield "bos", _documents(subject)
    yield "bytecount", _bytes(subject)


def _whole(subject: Subject) -> Proof:
    run = subject.evaluated or subject.whole
    if run.prices is None:
        return Proof(result="unknown", done="", seen="its prices of single tokens are not seen")
    window = int(run.told.get("longest", 0) or 0)
    sizes = []
    for one in (run, subject.evaluate(text(3, subject.vocab, LARGE, SHORT))):
        if one.prices is None:
            continue
        targets = len(one.prices)
        scored = int((~np.isnan(one.prices)).sum())
        sizes.append(targets)
        if scored < targets - max(window, 1):
            done = f"counted the prices of a text of {targets + 1:,} tokens"
            seen = f"{scored:,} of {targets:,} tokens have one, {scored / targets:.1%} of the text"
            return Proof(result="proven", done=done, seen=seen, repeat=f"{subject.command()}; count its prices")
    shown = " and ".join(f"{one:,}" for one in sizes)
    return Proof(result="not-seen", done="counted the prices", seen=f"each token had one, in texts of {shown} tokens")


def _documents(subject: Subject) -> Proof:
    run = subject.evaluated
    if run is None or run.prices is None or not subject.steady:
        return Proof(result="unknown", done="", seen="its prices are not seen, or differ from run to run")
    done = "changed the last token of a document, then the one before it"
    places = starts(subject.val)[2 : 2 + DOCUMENTS]
    far = faint = False
    for start in places:
        moved = []
        for back in (1, 2):
            at = start - back
            changed = with_token(subject.val, at, other(int(subject.val[at]), subject.vocab))
            one = subject.evaluate(changed)
            subject.room.forget(one)
            if one.prices is None or subject.val[at] == BOS:
                break
            # Price `start` is the first that sees the next document's beginning.
            moved.append(abs(float(one.prices[start] - run.prices[start])))
            if moved[0] <= MOVED:
                break
        if len(moved) < 2:
            continue
        if moved[0] > TOLD and moved[1] <= MOVED:
            seen = (
                f"the price after the next document's beginning (token {start + 1}) moved by {moved[0]:.4f} nats; "
                f"the token before it moves it by {moved[1]:.1g}: one token reaches over"
            )
            repeat = f"{subject.command()} on the text, and with another token in place {start - 1}"
            return Proof(result="proven", done=done, seen=seen, repeat=repeat)
        far = far or moved[1] > MOVED
        faint = True
    if far:
        why = "earlier tokens of the document before move it, too: attention or state reaches over, not a mixer alone"
        return Proof(result="unknown", done=done, seen=why)
    if faint:
        why = f"the next document's price moved by less than {TOLD:g} nats: too little to tell a mixer from attention"
        return Proof(result="unknown", done=done, seen=why)
    return Proof(
        result="not-seen", done=done, seen=f"no price of the next document moved, in {len(places)} documents"
    )


def _bytes(subject: Subject) -> Proof:
    run = subject.evaluated or subject.whole
    bpb = run.bpb
    if bpb is None or bpb <= 0:
        return Proof(result="unknown", done="", seen="it prints no val_bpb")
    nats = float(np.nansum(run.prices)) if run.prices is not None else None
    if nats is None:
        return Proof(result="unknown", done="", seen="its prices of single tokens are not seen")
    pieces = next((one for one in run.told.get("pieces", []) if len(one) == subject.vocab), None)
    if pieces is None:
        return Proof(result="unknown", done="", seen="no vocabulary of it is known, so that bytes cannot be counted")
    tokens = subject.val[1:][~np.isnan(run.prices)] if run.prices is not None else subject.val[1:]
    plain = sum(len(str(pieces[int(one)]).replace(SPACE, "").encode()) for one in tokens)
    spaces = sum(str(pieces[int(one)]).count(SPACE) for one in tokens)
    counted = nats / math.log(2) / bpb
    done = f"counted the bytes of {len(tokens)} tokens by the vocabulary of the script"
    # A space at a text's or document's beginning may stand for nothing.
    low, high = plain + spaces - len(starts(subject.val)) - 1, plain + spaces
    if not low * 0.999 <= counted <= high * 1.001:
        seen = f"its val_bpb rests on {counted:,.0f} bytes; the text has {high:,}, {counted / high:.3f} of it"
        return Proof(result="proven", done=done, seen=seen, repeat="loss in nats / ln 2 / val_bpb, against the text")
    return Proof(result="not-seen", done=done, seen=f"{counted:,.0f} bytes, and the text has {high:,}, in 1 text")
