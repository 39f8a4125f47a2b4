"""What a stream of tokens is made of, in 64-bit hashes: its documents, and short runs of tokens chosen by content.

A hash is a polynomial in the tokens modulo 2^64, so that it follows from two sums over the stream's beginning, and a
whole shard takes a handful of passes over arrays. Runs of PASSAGE tokens begin where two tokens in a row have a
certain residue: the same text has the same runs wherever it stands, and one token in 32 begins one.

Equal tokens have equal hashes. The reverse holds but for chance (fifty thousand documents against fifteen million:
once in ten million times), not against somebody who builds collisions, who would only accuse his own data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.data.shards import Tokens

PASSAGE = 32
"""Tokens of a run: some 80 to 150 bytes of text."""
ANCHOR_BITS = 5
"""One token in 2^5 begins a run."""
BLOCK = 1 << 16
"""Tokens at a time: what is computed for them stays in a core's cache."""
BASE = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2^64."""
WORD = 1 << 64

Hashes = NDArray[np.uint64]


def _powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base % WORD, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


POWERS = _powers(BASE, BLOCK + PASSAGE + 1)
INVERSES = _powers(pow(BASE, -1, WORD), BLOCK + PASSAGE + 1)


@dataclass(frozen=True)
class Block:
    """What a stretch of a stream holds."""

    documents: Hashes
    """Hash of every document that ends in it."""
    lengths: NDArray[np.int64]
    """Their tokens, without the one that begins them."""
    passages: Hashes
    """Hash of every run that begins in it."""
    places: NDArray[np.int64]
    """Where in the stream they begin."""


def blocks(tokens: Tokens, begins: int, length: int = BLOCK) -> Iterator[Block]:
    """The contents of a stream, of shape (tokens,), stretch by stretch.

    begins: the id that begins a document. What stands before the first one is a document, too.
    """
    carried, held = 0, 0
    for start in range(0, len(tokens), length):
        stretch = np.asarray(tokens[start : start + length + PASSAGE - 1])
        size = min(length, len(tokens) - start)
        sums = np.zeros(len(stretch) + 1, dtype=np.uint64)
        np.cumsum((stretch.astype(np.uint64) + np.uint64(1)) * POWERS[: len(stretch)], out=sums[1:])
        ends = np.flatnonzero(stretch[:size] == begins)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends + 1])
        stops = np.append(ends, size)
        found = (sums[stops] - sums[starts]) * INVERSES[starts]
        lengths = stops - starts
        # The first goes on from the stretch before, the last goes on into the next.
        found[0] = (carried + int(found[0]) * pow(BASE, held, WORD)) % WORD
        lengths[0] += held
        carried, held = int(found[-1]), int(lengths[-1])
        over = slice(None) if start + size == len(tokens) else slice(-1)
        there = lengths[over] > 0
        places = _anchors(stretch[: size + PASSAGE - 1])
        passages = (sums[places + PASSAGE] - sums[places]) * INVERSES[places]
        yield Block(found[over][there], lengths[over][there], passages, places + start)


def _anchors(stretch: Tokens) -> NDArray[np.int64]:
    """Where runs of PASSAGE tokens begin, of those that fit in; chosen by their first two tokens."""
    fit = max(0, len(stretch) - PASSAGE + 1)
    mixed = stretch[:fit] * np.uint16(0x9E37) + stretch[1 : fit + 1] * np.uint16(0x85EB)
    return np.flatnonzero(mixed >> np.uint16(16 - ANCHOR_BITS) == 0)
