"""What sidecars of a rewritten text must hold: for each token the bytes of the original that it stands for.

CaseOps (PR #1729) writes capitals as marks before small letters: U+E001 before one capital, U+E002 before a word of
them, U+E003 before one within a word; a mark that stood in the text itself follows U+E004. So a mark counts nothing,
one that is escaped counts its own three bytes, and every other character what it counts in UTF-8, a letter being one
byte, small or large. What each token holds of that follows from the tokens alone, so a sidecar is held against it
token by token: one that agrees tells nothing that the shards don't.

Does not cover: how the original was spelled (which letters were capitals is not needed to count bytes), and any other
way to rewrite a text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from runner.data.text import is_boundary
from runner.data.tokenizer import WORD_MARK

MARKS = "\ue001\ue002\ue003\ue004"
ESCAPE = MARKS[3]
SPELT_FROM = (WORD_MARK.encode()[0], MARKS.encode()[0])
"""First bytes of what may be spelled in byte tokens and does not count as it is written."""


def original_sizes(tokenizer: SentencePieceProcessor, stream: NDArray[np.integer]) -> NDArray[np.int32]:
    """Bytes of the original text that each token of a whole stream stands for, (tokens,) as the stream."""
    pieces = [_bytes_of(tokenizer, token) for token in range(tokenizer.vocab_size())]
    by_itself = np.array([_plain_size(piece) for piece in pieces], dtype=np.int32)
    sizes: NDArray[np.int32] = by_itself[stream]
    asks = np.array([_depends(piece) for piece in pieces])
    ends = np.flatnonzero(np.array([not piece for piece in pieces])[stream])
    # Few documents spell a mark or escape one; only those are read character by character.
    borders = np.concatenate([[-1], ends, [len(stream)]])
    for document in np.unique(np.searchsorted(ends, np.flatnonzero(asks[stream]))):
        first, stop = int(borders[document]) + 1, int(borders[document + 1])
        sizes[first:stop] = _by_character([pieces[token] for token in stream[first:stop]])
    return sizes


def _bytes_of(tokenizer: SentencePieceProcessor, token: int) -> bytes:
    """What a token writes; nothing where it stands for no text and ends a document."""
    if is_boundary(tokenizer, token):
        return b""
    piece = tokenizer.id_to_piece(token)
    return bytes([int(piece[3:5], 16)]) if tokenizer.is_byte(token) else piece.encode()


def _plain_size(piece: bytes) -> int:
    """Bytes of a piece where nothing is escaped and nothing spelled."""
    try:
        return sum(_size(character) for character in piece.decode())
    except UnicodeDecodeError:
        return len(piece)  # one byte of a longer character


def _size(character: str) -> int:
    if character in MARKS:
        return 0
    return 1 if character == WORD_MARK else len(character.encode())


def _depends(piece: bytes) -> bool:
    """Whether what a piece counts, or what comes after it counts, is not seen from the piece alone."""
    return ESCAPE.encode() in piece or (len(piece) == 1 and piece[0] in SPELT_FROM)


def _by_character(pieces: list[bytes]) -> NDArray[np.int32]:
    """The same for one document, character by character: what counts as it is written counts where its bytes stand,
    anything else where it begins."""
    sizes = np.zeros(len(pieces), dtype=np.int32)
    owners = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    escaped, at = False, 0
    for character in b"".join(pieces).decode(errors="surrogateescape"):
        broken = "\udc80" <= character <= "\udcff"  # a byte that is no part of a character
        length = 1 if broken else len(character.encode())
        size = length if escaped or broken else _size(character)
        if size == length:
            np.add.at(sizes, owners[at : at + length], 1)
        else:
            sizes[owners[at]] += size
        escaped = character == ESCAPE and not escaped
        at += length
    return sizes
