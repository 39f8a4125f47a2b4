"""What a price owes to other tokens: a flipped target and a replaced suffix must not move an earlier one."""

from __future__ import annotations

import numpy as np

from runner.review.facts import Check
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.seen import Prices
from runner.review.prove.texts import BOS, after, other, with_token

MOVED = 1e-5
"""Nats by which a price has moved; equal runs here are equal to the bit."""
SHARES = (0.23, 0.47, 0.71)
"""Of the text: where a target is flipped, beside the last one that is scored."""
CUTS = (0.35, 0.52, 0.81)


def flips(subject: OwnSubject, prices: Prices) -> Check:
    """Flip one target: its own price changes, no earlier one does, nor any beyond the reach of the rule."""
    assert subject.own is not None
    own, val = subject.own, subject.val
    scored = np.flatnonzero(~np.isnan(prices))
    wanted = [int(scored[-1]), *(int(len(prices) * share) for share in SHARES)]
    places = [place for one in wanted if (place := _word_before(val, prices, one)) is not None]
    done = f"flipped one target at each of {len(places)} places of {len(prices)}"
    earlier, later, own_moves, beyond = 0.0, 0, [], 0
    repeat = "score a text, and the text with another token in one place; compare the prices of all targets"
    for place in places:
        token = place + 1
        flipped = with_token(val, token, other(int(val[token]), subject.vocab))
        moved = moved_by(subject.price(flipped).by_target(), prices)
        own_moves.append(float(moved[place]))
        earlier = max(earlier, float(moved[:place].max(initial=0.0)))
        beyond += int((moved[place + own.reach + 1 :] > MOVED).sum())
        later = max(later, int((moved[place + 1 :] > MOVED).sum()))
    said = (
        f"its own price moved by {min(own_moves):.3f} to {max(own_moves):.3f} nats, earlier ones by at most "
        f"{earlier:.1g}; up to {later} later ones that see it moved, {beyond} beyond the {own.reach} tokens that "
        f"the rule {own.config.eval.rule} lets it reach"
    )
    bad = earlier > MOVED or beyond or min(own_moves) <= MOVED
    return Check(name="flip one target", result="fail" if bad else "pass", done=done, seen=said, repeat=repeat)


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


def _word_before(val: np.ndarray, prices: Prices, place: int) -> int | None:
    """The last scored target up to a place that is a word; None where there is none."""
    while place >= 0 and (np.isnan(prices[place]) or val[place + 1] == BOS):
        place -= 1
    return place if place >= 0 else None
