"""How far a document reaches: into none where the job keeps documents apart, else no further than its rule does."""

from __future__ import annotations

import numpy as np

from runner.review.facts import Check
from runner.review.prove.own.moves import MOVED, Flip
from runner.review.prove.own.runs import OwnSubject


def documents(subject: OwnSubject, flipped: list[Flip]) -> Check:
    """Which prices of later documents move where a document's last token is another one.

    flipped: of places that end documents, but for the last.
    """
    assert subject.own is not None
    own, ends = subject.own, flipped[:-1]
    if not ends:
        return Check(name="documents", result="unknown", done="", seen="the text is too short for its windows")
    moved, beyond, furthest, held, far = 0, 0, 0, 0, 0
    for one in ends:
        # The next target is the document's beginning, which is the same token for all of them.
        later = one.by[one.place + 2 :] > MOVED
        held, moved = held + len(later), moved + int(later.sum())
        furthest = max(furthest, int(np.flatnonzero(later).max(initial=-2)) + 2)
        outside = later[own.reach - 1 :]
        beyond, far = beyond + int(outside.sum()), far + len(outside)
    done = f"changed the last token of {len(ends)} documents"
    apart = own.config.batch.documents
    if apart:
        seen = f"{moved} of {held} prices of later documents moved: this job keeps documents apart"
    else:
        seen = (
            f"{moved} of {held} prices of later documents moved, the furthest {furthest} tokens on: this job does "
            "not keep documents apart, as the official score does not, and its rule reaches "
            f"{own.reach} tokens; beyond these {beyond} of {far} moved"
        )
    bad = moved if apart else beyond
    repeat = "score a text, and the text with another token where a document ends; compare the next one's prices"
    return Check(name="documents", result="fail" if bad else "pass", done=done, seen=seen, repeat=repeat)
