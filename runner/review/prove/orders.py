"""What earlier prices owe to later text, and whether those of one place sum to 1: the six classes of a score.

A later text that moves an earlier price has been learnt, looked up or chosen by; the run's own updates say which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from runner.review.facts import Proof, Result
from runner.review.prove.seen import Prices, Seen
from runner.review.prove.subject import Subject
from runner.review.prove.sums import places_for, sum_proofs, sums_of
from runner.review.prove.texts import after

MOVED = 1e-5
"""Nats by which a price has moved; equal runs here are equal to the bit."""
CUTS = (0.35, 0.52, 0.81)
ORDER_CLASSES = ("val_train", "ttt_order", "slot", "two_pass")
SUM_CLASSES = ("ngram", "mixture")


@dataclass
class Moved:
    """The largest movement that was seen: at a cut, `count` earlier prices moved, the one of `place` by most."""

    cut: int = 0
    count: int = 0
    place: int = 0
    before: float = 0.0
    now: float = 0.0

    @property
    def by(self) -> float:
        """Nats."""
        return abs(self.now - self.before)


def order_and_sums(subject: Subject) -> Iterator[tuple[str, Proof]]:
    """A proof for each of the six classes, from evaluations of changed texts."""
    why = _cannot(subject)
    if why:
        yield from ((name, Proof(result="unknown", done="", seen=why)) for name in (*ORDER_CLASSES, *SUM_CLASSES))
        return
    assert subject.evaluated is not None
    assert subject.evaluated.prices is not None
    prices = subject.evaluated.prices
    moved, windows, broken = _suffixes(subject, prices)
    cause = _cause(subject, subject.evaluate(ledger=True), moved.place) if moved is not None else ""
    done = f"replaced all words after a token, at {windows} places of a text of {len(subject.val)} tokens"
    if broken:
        why = f"the evaluation does not run on the changed text: {broken}"
        yield from ((name, Proof(result="unknown", done=done, seen=why)) for name in (*ORDER_CLASSES, *SUM_CLASSES))
        return
    proven: dict[str, Proof] = {}
    if moved is not None:
        proven[cause] = Proof(
            result="proven", done=done, seen=_told(moved, cause), repeat=_repeat(subject, moved.cut)
        )
    places = places_for(subject) if moved is None else 0
    sums = sums_of(subject, prices, places) if places else None
    if sums is not None:
        proven |= sum_proofs(subject, prices, sums)
    quiet = f"no earlier price moved, in {windows} windows"
    for name in ORDER_CLASSES:
        if name not in proven:
            also = f"prices are moved by {cause}, and whether by this, too, cannot be told"
            result: Result = "not-seen" if moved is None else "unknown"
            proven[name] = Proof(result=result, done=done, seen=quiet if moved is None else also)
    summed = f"summed the probabilities of all {subject.vocab} tokens at {len(sums or ())} places"
    for name in SUM_CLASSES:
        if name in proven:
            continue
        if sums is None:
            many = f"an alphabet of {subject.vocab} tokens takes too many runs of {subject.run_s:.1f} s"
            seen = (
                many if moved is None else f"prices are moved by later text ({cause}), which no sum can be told from"
            )
            proven[name] = Proof(result="unknown", done="", seen=seen)
        else:
            furthest = max((one for _, one in sums), key=lambda one: abs(one - 1), default=1.0)
            seen = f"furthest from 1: {furthest:.6f}, in {len(sums)} places"
            if "two_pass" in proven and proven["two_pass"].result == "proven":
                proven[name] = Proof(result="unknown", done=summed, seen=f"{seen}, which two_pass explains")
            else:
                proven[name] = Proof(result="not-seen", done=summed, seen=seen)
    yield from proven.items()


def _cannot(subject: Subject) -> str:
    run = subject.evaluated
    if run is None or run.prices is None:
        return "its prices of single tokens are not seen: no list of numbers has the loss that it prints as its mean"
    if not subject.steady:
        return "two runs on the same text gave other prices, so that a movement says nothing"
    return ""


def _suffixes(subject: Subject, prices: Prices) -> tuple[Moved | None, int, str]:
    """(the largest movement before a cut, None where nothing moved; cuts tried; why a run failed)."""
    found: Moved | None = None
    length = len(subject.val)
    for number, share in enumerate(CUTS):
        cut = int(length * share)
        run = subject.evaluate(after(subject.val, cut, subject.vocab))
        if run.prices is None:
            return None, number, run.why_not or "no prices"
        subject.room.forget(run)
        # Price i is that of token i + 1, so that prices before `cut` see no changed token.
        differences = np.abs(run.prices[:cut] - prices[:cut])
        lost = np.isnan(run.prices[:cut]) != np.isnan(prices[:cut])
        differences = np.where(np.isnan(differences), 0.0, differences)
        count = int((differences > MOVED).sum() + lost.sum())
        if count:
            place = int(differences.argmax())
            one = Moved(cut, count, place, float(prices[place]), float(run.prices[place]))
            found = one if found is None or one.by > found.by else found
    return found, len(CUTS), ""


def _cause(subject: Subject, run: Seen, place: int) -> str:
    """The class by what the evaluation did: updates between its prices, before all of them, or none."""
    steps = run.events("update", "step", "price", "forward")
    if subject.phase is None:  # the training is in the same run: what it does before the artifact is left out
        last = max((at for at, one in enumerate(steps) if one.get("role") == "train"), default=-1)
        steps = steps[last + 1 :]
        while steps and steps[0]["kind"] == "step":  # the training's last one
            steps = steps[1:]
    updates = [at for at, one in enumerate(steps) if one["kind"] == "update" and one["role"] == "val"]
    stepped = [at for at, one in enumerate(steps) if one["kind"] == "step"]
    if not updates and not stepped:
        return "two_pass"
    looks = [at for at, one in enumerate(steps) if one["kind"] in ("price", "forward") and not one["grad"]]
    last_update = max(updates or stepped)
    # The pass that counts is the last one: the looks after which no update comes again are a pass of their own.
    if looks and looks[-1] > last_update and _covers(subject, steps[last_update:]):
        return "val_train"
    # Both kinds of updates may run: the one that came last before the price that moved.
    priced = [at for at, one in enumerate(steps) if one["kind"] == "price" and not one["grad"] and _holds(one, place)]
    before = [at for at in stepped if not priced or at < priced[-1]] or stepped
    return "slot" if before and steps[before[-1]]["of"] == "free" else "ttt_order"


def _holds(event: dict[str, object], place: int) -> bool:
    """Whether a price is that of the token whose number is `place` + 1."""
    return any(start <= place + 1 < end for start, end in event["ranges"])  # type: ignore[attr-defined]


def _covers(subject: Subject, steps: list[dict[str, object]]) -> bool:
    """Whether prices without an update between them reach over most of the text."""
    seen = np.zeros(len(subject.val), bool)
    for one in steps:
        if one["kind"] in ("price", "forward") and not one["grad"] and one["role"] == "val":
            for start, end in one["ranges"]:  # type: ignore[attr-defined]
                seen[start:end] = True
    return bool(seen.mean() > 0.6)


def _told(moved: Moved, cause: str) -> str:
    why = {
        "val_train": "the text was learnt before the pass that is reported",
        "ttt_order": "the model's weights were updated on tokens before they were priced",
        "slot": "a tensor of its own was fitted to the tokens that it prices",
        "two_pass": "no update ran: later text is in the state that prices, or tokens are priced again",
    }[cause]
    return (
        f"after token {moved.cut} was left as it was, {moved.count} prices up to it moved, that of token "
        f"{moved.place + 1} from {moved.before:.4f} to {moved.now:.4f} nats: {why}"
    )


def _repeat(subject: Subject, cut: int) -> str:
    return f"{subject.command()} on the text, and on the text with other words after token {cut}; compare its prices"
