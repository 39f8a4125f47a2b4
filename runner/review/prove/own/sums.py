"""The sum of p over the whole alphabet, each token in the same place of the same text, in one run for each place.

One text holds as many blocks as there are tokens: all the same, but for the place that is asked, which holds each
token once. A block is longer than anything reaches, and a whole number of windows and strides long. That blocks know
nothing of one another is measured, too: in all of them the tokens just before the place must have the same prices.
"""

from __future__ import annotations

import math

import numpy as np

from runner.review.facts import Check
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.own.size import OwnScript
from runner.review.prove.texts import BOS, Tokens, text

OVER = 1e-4
"""By how much a sum of probabilities may differ from 1: float32 logits in batches of other shapes."""
SPREAD = 1e-5
"""Nats by which the prices before the place may differ between blocks."""
AROUND = 2
"""Blocks before and after those that are asked: a text's ends have other windows."""
SHARES = (0.31, 0.62, 0.97)
"""Of a block: where the place lies."""


def block_length(own: OwnScript) -> int:
    """Tokens of a block: some of them see nothing of the block before."""
    step = math.lcm(own.window, own.stride)
    return -(-(own.reach + own.window // 2) // step) * step


def blocks(own: OwnScript, place: int, vocab: int) -> Tokens:
    """The text: token `place` of each block but the outer ones is another one."""
    length = block_length(own)
    one = text(4, vocab, length)
    made = np.tile(one, vocab + 2 * AROUND)
    begins = (np.arange(vocab) + AROUND) * length
    made[begins + place] = np.arange(vocab)
    return np.append(made, one[:1])


def sums(subject: OwnSubject) -> Check:
    """Sum exp(-price) over all tokens, at a few places."""
    assert subject.own is not None
    own, vocab = subject.own, subject.vocab
    length = block_length(own)
    found, spread, at, alike = [], 0.0, [], length
    for share in SHARES:
        place = _inside(text(4, vocab, length), int(length * share))
        prices = subject.price(blocks(own, place, vocab)).by_target()
        rows = prices[: len(prices) // length * length].reshape(-1, length)[AROUND : AROUND + vocab]
        found.append(float(np.exp(-rows[:, place - 1]).sum()))
        # Tokens of the block's beginning may see the place of the block before.
        before = rows[:, max(0, place - length + own.reach) : place - 1]
        spread = max(spread, float((before.max(axis=0) - before.min(axis=0)).max()))
        at.append(place)
        alike = min(alike, before.shape[1])
    worst = max(found, key=lambda one: abs(one - 1))
    done = (
        f"priced all {vocab} tokens of the alphabet after one and the same text, at tokens "
        f"{', '.join(map(str, at))} of blocks of {length} tokens, {vocab + 2 * AROUND} blocks to a run"
    )
    seen = (
        f"the sums of p are {', '.join(f'{one:.7f}' for one in found)} (tolerance {OVER:g}); the {alike} tokens "
        f"before a place, which nothing of another block reaches, had the same prices in all, to {spread:.1g} nats"
    )
    result: str = "pass"
    if not all(math.isfinite(one) for one in (*found, spread)) or spread > SPREAD:
        result, seen = "unknown", f"{seen}: blocks are not alike, so that the sum says nothing"
    elif abs(worst - 1) > OVER:
        result = "fail"
    repeat = "score the text of blocks; sum exp(-price) of the place that is asked over all blocks"
    return Check.model_validate(
        {"name": "sum of p over the vocabulary", "result": result, "done": done, "seen": seen, "repeat": repeat}
    )


def _inside(block: Tokens, place: int) -> int:
    """A place at or before this one whose token and the one before are words."""
    while place > 2 and BOS in (block[place], block[place - 1]):
        place -= 1
    return place
