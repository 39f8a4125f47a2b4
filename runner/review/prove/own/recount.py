"""Bytes of a text, counted from its tokens by their pieces alone; and made-up bytes of a text that was rewritten.

Nothing of golf_model's byte tables is used here: a count is only worth something beside another one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from runner.review.prove.texts import Tokens

SPACE = "\u2581"


def bytes_of(tokens: Tokens, pieces: Sequence[str], special: int) -> NDArray[np.int64]:
    """(n,) UTF-8 bytes that each token of a stream stands for.

    pieces: what each token stands for, of which the first `special` are no text; a piece's leading mark is a space,
    but for the first piece of a stretch of text.
    """
    found = np.zeros(len(tokens), np.int64)
    inside = False
    for at, token in enumerate(int(one) for one in tokens):
        text = token >= special
        if text:
            shown = pieces[token].replace(SPACE, " ")
            found[at] = len((shown if inside else shown.removeprefix(" ")).encode())
        inside = text
    return found


def sidecar(tokens: Tokens) -> Tokens:
    """(n,) bytes that each token of a rewritten text stands for in the original: made up, and unlike its pieces'."""
    return ((tokens.astype(np.int64) * 7 + np.arange(len(tokens)) % 5) % 11).astype(np.uint16)
