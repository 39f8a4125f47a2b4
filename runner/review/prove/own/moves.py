"""What a price owes to other tokens: a flipped target and a replaced suffix must not move an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.review.facts import Check
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.seen import Prices
from runner.review.prove.texts import BOS, after, other, starts, with_token

MOVED = 1e-5
"""Nats by which a price has moved; equal runs here are equal to the bit."""
DOCUMENTS = 3
CUTS = (0.35, 0.52, 0.81)


@dataclass(frozen=True)
class Flip:
    """A text with one other token: that of target `place`; by: nats by which each target's price moved."""

    place: int
    by: Prices


def flipped(subject: OwnSubject, prices: Prices) -> list[Flip]:
    """The last word of a few documents is another one, each in a text of its own, and the last target of all."""
    assert subject.own is not None
    val = subject.val
    scored = ~np.isnan(prices)
    last = int(np.flatnonzero(scored)[-1])
    far = [one - 2 for one in starts(val) if one + subject.own.reach < last]
    ends = [place for place in far if scored[place] and val[place + 1] != BOS]
    chosen = [ends[at] for at in sorted({len(ends) * part // DOCUMENTS for part in range(DOCUMENTS)})] if ends else []
    found = []
    for place in (*chosen, last):
        changed = with_token(val, place + 1, other(int(val[place + 1]), subject.vocab))
        found.append(Flip(place, moved_by(subject.price(changed).by_target(), prices)))
    return found


def flips(subject: OwnSubject, flipped: list[Flip]) -> Check:
    """Flip one target: its own price changes, no earlier one does, nor any beyond the reach of the rule."""
    assert subject.own is not None
    own = subject.own
    earlier, later, beyond, counted, own_moves = 0.0, 0, 0, 0, []
    for one in flipped:
        own_moves.append(float(one.by[one.place]))
        earlier = max(earlier, float(one.by[: one.place].max(initial=0.0)))
        later = max(later, int((one.by[one.place + 1 :] > MOVED).sum()))
        beyond += int((one.by[one.place + 1 + own.reach :] > MOVED).sum())
        counted += len(one.by[one.place + 1 + own.reach :])
    done = f"flipped one target at each of {len(flipped)} places of {len(subject.val) - 1}, the last one among them"
    seen = (
        f"its own price moved by {min(own_moves):.3f} to {max(own_moves):.3f} nats, earlier ones by at most "
        f"{earlier:.1g}; of later ones, which see it, up to {later} moved, and {beyond} of {counted} beyond the "
        f"{own.reach} tokens that the rule {own.config.eval.rule} reaches"
    )
    bad = earlier > MOVED or beyond or min(own_moves) <= MOVED
    repeat = "score a text, and the text with another token in one place; compare the prices of all targets"
    return Check(name="flip one target", result="fail" if bad else "pass", done=done, seen=seen, repeat=repeat)


def suffixes(subject: OwnSubject, prices: Prices) -> Check:
    """Replace all that follows: no price before it moves."""
    val = subject.val
    most, changed, kept = 0.0, 0, 0
    for share in CUTS:
        cut = int(len(val) * share)
        found = subject.price(after(val, cut, subject.vocab)).by_target()
        moved = moved_by(found, prices)
        most = max(most, float(moved[:cut].max(initial=0.0)))
        kept += int((~np.isnan(prices[:cut])).sum())
        changed += int((moved[cut:] > MOVED).sum())
    done = f"replaced all words after a token, at {len(CUTS)} places of a text of {len(val)} tokens"
    seen = f"{kept} earlier prices moved by at most {most:.1g} nats; {changed} later ones did move"
    bad = most > MOVED or not changed
    repeat = "score a text, and the text with other words after a token; compare the prices before it"
    return Check(name="replace the suffix", result="fail" if bad else "pass", done=done, seen=seen, repeat=repeat)


def moved_by(now: Prices, before: Prices) -> Prices:
    """Nats by which each price moved; infinite where one was scored in one run alone."""
    moved = np.abs(now - before)
    moved[np.isnan(now) & np.isnan(before)] = 0.0
    return np.where(np.isnan(moved), np.inf, moved)
