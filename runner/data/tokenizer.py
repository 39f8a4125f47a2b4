"""SentencePiece models: trained with the challenge's settings, loaded with care, and turned into byte tables.

The byte tables say how many bytes of text a target token stands for, which is what bits per byte divides by;
the rule is the official one (specs of the baseline): control, unknown and unused ids count nothing and end
the text before them, a byte token counts one, any other piece counts its UTF-8 bytes without one leading
word mark, and the mark counts one more byte unless the token before is such an end. A vocabulary without a piece for
a single space spells the mark in three byte tokens; the text has one byte there, so the last two count nothing.

Does not cover: counting over shards (dataset.py) and the player's own copy of the rule (golf_model).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from runner.errors import DataError, UserError
from runner.untrusted import read_bytes, reason_of

WORD_MARK = "\u2581"
LARGEST_MODEL_BYTES = 64 << 20
OFFICIAL_TOKENIZERS = {
    "4f5e8adb109c66b4886963bc75a7befd73bda36d27fd7102df8e9e66503b0e2a": "sp1024",
    "6b0337698df13acdb58e5b05446ef26d9d7e4ca5545dc5e13ad5815a7ec904e0": "sp4096",
    "5697ec9cf5a1f193b509a6f8739be415c618d7e4e0c531fd2d884f12c1c482fc": "sp8192",
}
"""SHA-256 of the challenge's own models -> the variant of its data that they made."""
CHUNK_TOKENS = 1 << 22

TRAINER_SETTINGS: dict[str, Any] = {
    # As stored in the challenge's sp1024 model; whatever it leaves unset is SentencePiece's default.
    "model_type": "bpe",
    "character_coverage": 0.999,
    "split_digits": True,
    "hard_vocab_limit": False,
    "byte_fallback": True,
    "pad_id": 0,
    "bos_id": 1,
    "eos_id": 2,
    "unk_id": 3,
    "add_dummy_prefix": False,
    "normalization_rule_name": "nmt_nfkc",
    # The model file records the number of threads, so it is part of the file's bytes; the merges do not need it.
    "num_threads": 16,
}
SILENT_LOG = 2
"""SentencePiece then prints errors only, not a note for each document it leaves out of the training."""


@dataclass(frozen=True)
class ByteTable:
    """What each token id counts, three arrays of shape (vocab,)."""

    base_bytes: NDArray[np.int32]
    """UTF-8 bytes of the piece without its leading word mark."""
    has_leading_space: NDArray[np.bool_]
    """The piece begins with a word mark, which is one byte more after ordinary text."""
    is_boundary: NDArray[np.bool_]
    """Control, unknown or unused: the next token starts a text, its leading space is not there."""
    mark_bytes: tuple[int, ...] = ()
    """The three ids that spell the word mark byte by byte; empty where the vocabulary has no byte tokens."""

    def sizes(self, stream: NDArray[np.integer], first: int, stop: int) -> NDArray[np.int32]:
        """Bytes of each of the targets [first, stop) of a stream of shape (tokens,): target t is the token at t + 1.

        What a token stands for depends on those around it, so the whole stream is given. Shape (stop - first,).
        """
        sizes = self._pairs(stream[first + 1 : stop + 1], stream[first:stop])
        before = max(first - 1, 0)
        ends = self._spelled(stream[before : stop + 2]) + before
        for silent in (ends, ends - 1):  # a spelled mark's third and second byte
            sizes[silent[(silent > first) & (silent <= stop)] - first - 1] = 0
        return sizes

    def count(self, stream: NDArray[np.integer], first: int = 0, stop: int | None = None) -> int:
        """Bytes of targets [first, stop) of a stream of shape (tokens,), of all of them when left out."""
        last = len(stream) - 1 if stop is None else stop
        starts = range(first, last, CHUNK_TOKENS)
        return sum(
            int(self.sizes(stream, start, min(start + CHUNK_TOKENS, last)).sum(dtype=np.int64)) for start in starts
        )

    def _pairs(self, targets: NDArray[np.integer], previous: NDArray[np.integer]) -> NDArray[np.int32]:
        """Bytes of each of `targets` after the tokens in `previous`, a spelled mark counting three; all (n,)."""
        spaces = self.has_leading_space[targets] & ~self.is_boundary[previous]
        sizes: NDArray[np.int32] = np.add(self.base_bytes[targets], spaces, dtype=np.int32)
        return sizes

    def _spelled(self, stream: NDArray[np.integer]) -> NDArray[np.intp]:
        """Places of the third byte of every word mark that is spelled in byte tokens."""
        if not self.mark_bytes or len(stream) < len(self.mark_bytes):
            return np.zeros(0, dtype=np.intp)
        first, second, third = self.mark_bytes
        return np.flatnonzero((stream[2:] == third) & (stream[1:-1] == second) & (stream[:-2] == first)) + 2

    def count_stream(self, parts: Iterable[NDArray[np.integer]]) -> int:
        """Bytes of a whole stream given shard by shard, each of shape (tokens,).

        The stream's first token has nothing before it, so it counts without a leading space.
        """
        total = 0
        tail: NDArray[np.integer] = np.zeros(0, dtype=np.uint16)
        for part in parts:
            for start in range(0, len(part), CHUNK_TOKENS):
                chunk = part[start : start + CHUNK_TOKENS]
                if not len(tail):
                    total += int(self.base_bytes[chunk[0]])
                    total += int(self._pairs(chunk[1:], chunk[:-1]).sum(dtype=np.int64))
                else:
                    total += int(self._pairs(chunk, np.concatenate([tail[-1:], chunk[:-1]])).sum(dtype=np.int64))
                # A mark is taken off where it ends, be its first bytes in the chunk before.
                total -= 2 * len(self._spelled(np.concatenate([tail, chunk])))
                tail = np.concatenate([tail, chunk[-2:]])[-2:]
        return total


def load_tokenizer(path: Path) -> SentencePieceProcessor:
    """Load a SentencePiece model; DataError for a missing file, one too big to be a model, or something else."""
    try:
        proto = read_bytes(path, LARGEST_MODEL_BYTES, links=True)
    except UserError as error:
        raise DataError(
            f"{path}: cannot read this tokenizer ({reason_of(error)}); give the path of the .model file that made "
            "the shards; golf data fetch brings the challenge's"
        ) from None
    return _processor(proto, str(path))


def _processor(proto: bytes, name: str) -> SentencePieceProcessor:
    tokenizer = SentencePieceProcessor()
    try:
        tokenizer.LoadFromSerializedProto(proto)
        for token in range(tokenizer.vocab_size()):
            tokenizer.id_to_piece(token)  # a damaged piece is not valid UTF-8
    except (RuntimeError, ValueError) as error:
        raise DataError(
            f"{name}: not a SentencePiece model, or a damaged one; point to the .model file that made the shards"
        ) from error
    return tokenizer


def require_vocab(tokenizer: SentencePieceProcessor, vocab_size: int, name: str = "the tokenizer") -> None:
    """DataError when a model of `vocab_size` ids cannot use this tokenizer."""
    if tokenizer.vocab_size() != vocab_size:
        raise DataError(
            f"{name} has {tokenizer.vocab_size()} ids, the model's vocab_size is {vocab_size}; set model.vocab_size "
            f"to {tokenizer.vocab_size()} or use the tokenizer that belongs to the model"
        )


def byte_table(tokenizer: SentencePieceProcessor) -> ByteTable:
    """The official byte tables of a tokenizer; see the module's head for the rule."""
    size = tokenizer.vocab_size()
    base_bytes = np.zeros(size, dtype=np.int32)
    has_leading_space = np.zeros(size, dtype=np.bool_)
    is_boundary = np.zeros(size, dtype=np.bool_)
    for token in range(size):
        if tokenizer.is_control(token) or tokenizer.is_unknown(token) or tokenizer.is_unused(token):
            is_boundary[token] = True
        elif tokenizer.is_byte(token):
            base_bytes[token] = 1
        else:
            piece = tokenizer.id_to_piece(token)
            has_leading_space[token] = piece.startswith(WORD_MARK)
            base_bytes[token] = len(piece.removeprefix(WORD_MARK).encode("utf-8"))
    return ByteTable(base_bytes, has_leading_space, is_boundary, mark_bytes(tokenizer))


def mark_bytes(tokenizer: SentencePieceProcessor) -> tuple[int, ...]:
    """The ids of the three byte tokens that spell the word mark; empty where one of them is missing."""
    ids = [tokenizer.piece_to_id(f"<0x{byte:02X}>") for byte in WORD_MARK.encode("utf-8")]
    return tuple(ids) if all(tokenizer.is_byte(token) for token in ids) else ()


def train_tokenizer(lines: Iterable[str], vocab_size: int) -> bytes:
    """Train BPE with byte fallback on `lines`; returns the model file's bytes, the same for the same lines.

    Documents longer than 4,192 bytes are left out of the training, as in the challenge's own settings.
    """
    model = io.BytesIO()
    try:
        SentencePieceTrainer.Train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=vocab_size,
            minloglevel=SILENT_LOG,
            **TRAINER_SETTINGS,
        )
    except RuntimeError as error:
        raise DataError(f"cannot train a tokenizer of {vocab_size} ids on this text: {error}") from error
    proto = model.getvalue()
    found = _processor(proto, "the tokenizer just trained").vocab_size()
    if found != vocab_size:
        raise DataError(
            f"this text yields {found} tokens at most, {vocab_size} were asked for; use a smaller vocabulary"
        )
    return proto
