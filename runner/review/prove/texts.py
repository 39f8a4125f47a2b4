"""Made-up text for a run: documents of a small language that repeats itself, as tokens; and the same text changed.

Tokens are whole numbers of [0, vocab); 1 begins a document, 0 does not occur. Everything follows from seeds.
"""

from __future__ import annotations

import numpy as np

BOS = 1
LANGUAGE = 20261128
MAGIC, VERSION, HEAD = 20240520, 1, 1024
"""The head of an official shard: 256 int32, of which three say something."""

Tokens = np.ndarray[tuple[int], np.dtype[np.uint16]]


def text(seed: int, vocab: int, length: int, document: int = 22) -> Tokens:
    """`length` tokens in documents of about `document`; each token has three others that may follow."""
    language = np.random.default_rng([LANGUAGE, vocab])
    words = np.arange(2, vocab)
    others = [words[words != one] for one in range(vocab)]
    follow = [language.choice(one, min(3, len(one)), replace=False) for one in others]
    draws = np.random.default_rng([seed, vocab, length])
    made = np.empty(length, np.uint16)
    left, before = 0, BOS
    for at in range(length):
        if left == 0:
            left = int(draws.integers(max(2, document // 2), document * 3 // 2 + 1))
            before = BOS
        else:
            before = int(follow[before][draws.choice(3, p=(0.6, 0.3, 0.1))])
        made[at] = before
        left -= 1
    return made


def noise(seed: int, vocab: int, length: int) -> Tokens:
    """Words without an order, one document."""
    made = np.random.default_rng([seed, 7]).integers(2, vocab, length).astype(np.uint16)
    made[0] = BOS
    return made


def after(tokens: Tokens, cut: int, vocab: int, seed: int = 5) -> Tokens:
    """The same text up to and with token `cut`, other words from there on."""
    made = tokens.copy()
    draws = np.random.default_rng([seed, cut])
    for at in range(cut + 1, len(made)):
        if made[at] != BOS:
            made[at] = other(int(made[at]), vocab, int(draws.integers(1, vocab - 2)))
    return made


def with_token(tokens: Tokens, at: int, token: int) -> Tokens:
    """The same text with one other token."""
    made = tokens.copy()
    made[at] = token
    return made


def other(token: int, vocab: int, step: int = 3) -> int:
    """Another word than this one, never a document's beginning."""
    words = vocab - 2
    shift = step % (words - 1) + 1 if words > 1 else 0
    return 2 + (token - 2 + shift) % words


def starts(tokens: Tokens) -> list[int]:
    """Where documents begin, but for the first."""
    return [int(one) for one in np.flatnonzero(tokens == BOS) if one > 1]


def shard(tokens: Tokens, headed: bool) -> bytes:
    """A shard's bytes: the tokens, after an official head where the script asks for one."""
    body = tokens.astype("<u2").tobytes()
    if not headed:
        return body
    head = np.zeros(256, "<i4")
    head[:3] = MAGIC, VERSION, len(tokens)
    return head.tobytes() + body
