"""Tokens back to text: documents of a stream, and an independent count of their bytes.

A document ends where a control, unknown or unused id stands (the official rule's boundaries); those ids carry
no text. What lies between is decoded by SentencePiece itself, whole documents at a time, and a word mark that is
left over (one that was spelled in byte tokens) is the space that it was made from. Nothing here knows our byte
tables, so the two counts check each other.

Does not cover: text that the tokenizer changed before it became tokens (NFKC, trimmed blanks); bits per byte
are per byte of the text that the tokens stand for. A character that is cut off at an end of the shards decodes to
a mark of three bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from runner.data.tokenizer import WORD_MARK

BATCH_TOKENS = 1 << 20


def decode_documents(tokenizer: SentencePieceProcessor, parts: Iterable[NDArray[np.integer]]) -> Iterator[str]:
    """The documents of a stream as text, in order; those without text are left out.

    parts: the stream's shards, each of shape (tokens,); a document may run from one into the next.
    """
    silent = np.array([is_boundary(tokenizer, token) for token in range(tokenizer.vocab_size())])
    batch: list[list[int]] = []
    document: list[int] = []
    waiting = 0
    for chunk in _chunks(parts):
        begin = 0
        for place in np.flatnonzero(silent[chunk]).tolist():
            document += chunk[begin:place].tolist()
            begin = place + 1
            if document:
                batch.append(document)
                document = []
        document += chunk[begin:].tolist()
        waiting += len(chunk)
        if waiting >= BATCH_TOKENS:
            yield from decoded(tokenizer, batch)
            batch, waiting = [], 0
    if document:
        batch.append(document)
    yield from decoded(tokenizer, batch)


def decoded(tokenizer: SentencePieceProcessor, documents: list[list[int]]) -> Iterator[str]:
    """Each document's text; a word mark that was spelled in byte tokens is the space that it was made from."""
    for text in tokenizer.decode(documents):
        yield text.replace(WORD_MARK, " ")


def is_boundary(tokenizer: SentencePieceProcessor, token: int) -> bool:
    """Whether an id stands for no text, and ends what stands before it."""
    return bool(tokenizer.is_control(token) or tokenizer.is_unknown(token) or tokenizer.is_unused(token))


def _chunks(parts: Iterable[NDArray[np.integer]]) -> Iterator[NDArray[np.integer]]:
    for part in parts:
        for start in range(0, len(part), BATCH_TOKENS):
            yield part[start : start + BATCH_TOKENS]


def recount_bytes(tokenizer: SentencePieceProcessor, parts: Iterable[NDArray[np.integer]]) -> int:
    """UTF-8 bytes of a stream by decoding it; must equal `ByteTable.count_stream` of the same tokens."""
    return sum(len(document.encode("utf-8")) for document in decode_documents(tokenizer, parts))


def first_text(tokenizer: SentencePieceProcessor, parts: Iterable[NDArray[np.integer]], most_bytes: int) -> bytes:
    """The documents of a stream joined by newlines, whole documents up to about `most_bytes` of UTF-8."""
    taken: list[bytes] = []
    size = 0
    for document in decode_documents(tokenizer, parts):
        if size >= most_bytes:
            break
        taken.append(document.encode("utf-8"))
        size += len(taken[-1]) + 1
    return b"\n".join(taken)
