"""Whether the prices of one place sum to 1 over the whole alphabet: what does not is no distribution.

A sum other than 1 is of a choice among several prices of a token, a table that reads its target, or a mixture.
"""

from __future__ import annotations

import numpy as np

from runner.review.facts import Proof
from runner.review.prove.seen import Prices, Seen
from runner.review.prove.subject import Subject
from runner.review.prove.texts import BOS, with_token

OVER = 2e-3
"""By how much a sum of probabilities may differ from 1."""
PLACES = (0.88, 0.02, 0.55)
MOST_VOCAB = 96
FIRST, EARLY = 9, 2
"""Tokens that fill no table yet, and how many of them are asked for their sums."""
SHARE = 0.05
"""Of the text, that has its prices from a pass."""


def places_for(subject: Subject) -> int:
    """How many places there is time for, each token of the alphabet in each."""
    if subject.vocab > MOST_VOCAB:
        return 0
    return min(len(PLACES), int(subject.room.left_s * 0.6 / max(subject.vocab * subject.run_s, 1e-3)))


def sums_of(subject: Subject, prices: Prices, places: int) -> list[tuple[int, float]]:
    """(place, sum of exp(-price) over all tokens put there)."""
    found = []
    for share in sorted(PLACES[:places]):
        place = int((len(subject.val) - 2) * share)
        while place < len(prices) - 1 and not _plain(subject, prices, place):
            place += 1
        total = _sum(subject, place)
        if not np.isnan(total):
            found.append((place, total))
    return found


def _plain(subject: Subject, prices: Prices, place: int) -> bool:
    """Whether a place was priced, within a document."""
    return not np.isnan(prices[place]) and BOS not in (subject.val[place + 1], subject.val[place])


def _sum(subject: Subject, place: int) -> float:
    """Sum of exp(-price) over all tokens put at a place; NaN where one was not priced."""
    total = 0.0
    for token in range(subject.vocab):
        run = subject.evaluate(with_token(subject.val, place + 1, token))
        subject.room.forget(run)
        if run.prices is None or np.isnan(run.prices[place]):
            return float("nan")
        total += float(np.exp(-run.prices[place]))
    return total


def sum_proofs(subject: Subject, prices: Prices, sums: list[tuple[int, float]]) -> dict[str, Proof]:
    # Where the alphabet is a guess, some of its tokens were not asked for: only too much says something.
    off = [(place, one) for place, one in sums if one - 1 > OVER or (subject.vocab_known and one - 1 < -OVER)]
    if not off:
        return {}
    place, worst = max(off, key=lambda one: abs(one[1] - 1))
    done = f"priced each of {subject.vocab} tokens at {len(sums)} places, after the same text"
    seen = f"their probabilities sum to {worst:.4f} at token {place + 1}"
    repeat = f"{subject.command()} for each token in place {place + 1} of the text; sum exp(-price)"
    proof = Proof(result="proven", done=done, seen=f"{seen}, so that they are no distribution", repeat=repeat)
    views = _views(subject.evaluate(ledger=True))
    if views:
        return {"two_pass": proof.model_copy(update={"seen": f"{views}, and {seen}"})}
    found = {"mixture": proof}
    if sums[0][0] < place and abs(sums[0][1] - 1) <= OVER and (early := _early(subject, prices)):
        # With nothing in its tables the price is a distribution, sure of itself or not; filled, it is none.
        grown = f"; with little text before it, at tokens {early}, to 1: a table reads its target"
        found["ngram"] = proof.model_copy(update={"seen": seen + grown})
    return found


def _early(subject: Subject, prices: Prices) -> str:
    """Tokens of the text's beginning whose sums are 1, the surest first; empty where a sum is not."""
    places = [one for one in range(2, FIRST) if _plain(subject, prices, one)]
    places = sorted(places, key=lambda one: float(prices[one]))[:EARLY]
    if any(not abs(_sum(subject, one) - 1) <= OVER for one in places):
        return ""
    return ", ".join(str(one + 1) for one in places)


def _views(run: Seen) -> str:
    """In words, that prices stand from more than one pass over the text; empty where they do not."""
    if run.prices is None:
        return ""
    passes: list[dict[int, set[float]]] = []
    for _, start, values in run.told.get("ledger", []):
        if int(start) <= 1 or not passes:
            passes.append({})
        for at, value in enumerate(values):
            passes[-1].setdefault(int(start) - 1 + at, set()).add(round(float(value), 4))
    counts = [0] * len(passes)
    for at, price in enumerate(run.prices):
        of = [number for number, one in enumerate(passes) if any(abs(v - price) < 2e-4 for v in one.get(at, ()))]
        if len(of) == 1:  # what two passes agree on says nothing
            counts[of[0]] += 1
    used = [one for one in counts if one > SHARE * len(run.prices)]
    if len(used) < 2:
        return ""
    return f"{' and '.join(map(str, used))} tokens have their prices from different passes over the text"
