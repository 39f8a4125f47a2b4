"""How far a document reaches: into none where the job keeps documents apart, else no further than its rule does."""

from __future__ import annotations

import numpy as np

from runner.review.facts import Check
from runner.review.prove.own.moves import MOVED, moved_by
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.seen import Prices
from runner.review.prove.texts import BOS, other, starts, with_token

DOCUMENTS = 3


def documents(subject: OwnSubject, prices: Prices) -> Check:
    """Change a document's last token; see which prices of the next ones move."""
    assert subject.own is not None
    own, val = subject.own, subject.val
    apart = own.config.batch.documents
    places = [one for one in starts(val) if val[one - 1] != BOS and len(val) - one > own.reach][::3][:DOCUMENTS]
    moved, beyond, furthest, held = 0, 0, 0, 0
    for start in places:
        changed = with_token(val, start - 1, other(int(val[start - 1]), subject.vocab))
        # Price `start - 1` is that of the next document's first token, which is the same for all documents.
        after = moved_by(subject.price(changed).by_target(), prices)[start:] > MOVED
        held += len(after)
        moved += int(after.sum())
        beyond += int(after[max(own.reach - 1, 0) :].sum())
        furthest = max(furthest, int(np.flatnonzero(after).max(initial=-1)) + 2)
    done = f"changed the last token of {len(places)} documents"
    repeat = "score a text, and the text with another token where a document ends; compare the next one's prices"
    if not places:
        return Check(name="documents", result="unknown", done="", seen="the text is too short for its windows")
    if apart:
        seen = f"of {held} prices of later documents {moved} moved: this job keeps documents apart"
        bad = bool(moved)
    else:
        seen = (
            f"this job does not keep documents apart, as the official score does not: {moved} prices of later "
            f"documents moved, the furthest {furthest} tokens on, of {own.reach} that its rule reaches; beyond that "
            f"{beyond} of {held - len(places) * (own.reach - 1)}"
        )
        bad = bool(beyond)
    return Check(name="documents", result="fail" if bad else "pass", done=done, seen=seen, repeat=repeat)
