"""How many bytes of text each token stands for, from the SentencePiece vocabulary.

bytes(target) = base_bytes[target] + (has_leading_space[target] and not is_boundary[previous]): a piece's
leading U+2581 is a space only after a token that is text. Control, unknown and unused ids have no bytes. A
vocabulary without the piece U+2581 spells a single space as its three UTF-8 bytes: one byte of text, not three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import sentencepiece as spm
import torch
from torch import Tensor

from golf_model.process.errors import ScriptError

PieceKind = Literal["normal", "byte", "special"]
"""special: control, unknown or unused."""

SPACE_MARK = "\u2581"


@dataclass(frozen=True)
class ByteTables:
    """Per token id: base_bytes (int16), has_leading_space (bool), is_boundary (bool), each (vocab,)."""

    base_bytes: Tensor
    has_leading_space: Tensor
    is_boundary: Tensor
    spelled: tuple[int, ...] = field(default=(), kw_only=True)
    """Ids of the three byte tokens that spell a single space; empty where it has a piece."""

    def sizes(self, tokens: Tensor) -> Tensor:
        """Bytes that every token of a whole stream stands for; tokens (n,) any integer type, on the CPU: (n,) int16.

        The first has nothing before it, so a leading space of it counts nothing.
        """
        stream = tokens.numpy()
        sizes = self.base_bytes.numpy()[stream]
        boundary, space = self.is_boundary.numpy(), self.has_leading_space.numpy()
        sizes[1:] += space[stream[1:]] & ~boundary[stream[:-1]]
        if self.spelled:
            first, second, third = self.spelled
            found = (stream[:-2] == first) & (stream[1:-1] == second) & (stream[2:] == third)
            sizes[1:-1][found] = 0
            sizes[2:][found] = 0
        return torch.from_numpy(sizes)


def build_byte_tables(pieces: Sequence[tuple[str, PieceKind]], vocab_size: int) -> ByteTables:
    """Tables for ids 0..max(len(pieces), vocab_size)-1; ids without a piece are boundaries without bytes."""
    size = max(len(pieces), vocab_size)
    base = [0] * size
    space = [False] * size
    boundary = [True] * size
    for index, (text, kind) in enumerate(pieces):
        if kind == "special":
            continue
        boundary[index] = False
        if kind == "byte":
            base[index] = 1
            continue
        space[index] = text.startswith(SPACE_MARK)
        base[index] = len(text.removeprefix(SPACE_MARK).encode("utf-8"))
    return ByteTables(
        torch.tensor(base, dtype=torch.int16),
        torch.tensor(space, dtype=torch.bool),
        torch.tensor(boundary, dtype=torch.bool),
        spelled=spelled_space(pieces),
    )


def spelled_space(pieces: Sequence[tuple[str, PieceKind]]) -> tuple[int, ...]:
    """Ids of the byte tokens that a single space is written with; empty where it has a piece, or they have none."""
    if (SPACE_MARK, "normal") in pieces:
        return ()
    places = {text: index for index, (text, kind) in enumerate(pieces) if kind == "byte"}
    ids = [places.get(f"<0x{byte:02X}>") for byte in SPACE_MARK.encode("utf-8")]
    return () if None in ids else tuple(index for index in ids if index is not None)


def read_pieces(tokenizer: Path, vocab_size: int) -> list[tuple[str, PieceKind]]:
    """Pieces of a SentencePiece model; ScriptError when it is missing, unreadable or of another size."""
    if not tokenizer.is_file():
        raise ScriptError(f"no tokenizer at {tokenizer}; set TOKENIZER_PATH to a SentencePiece .model file")
    processor = spm.SentencePieceProcessor()
    try:
        processor.Load(str(tokenizer))
    except (OSError, RuntimeError) as error:
        raise ScriptError(f"{tokenizer}: not a SentencePiece model ({error})") from error
    found = int(processor.vocab_size())
    if found != vocab_size:
        raise ScriptError(f"{tokenizer}: {found} pieces, but the model's vocab_size is {vocab_size}")
    kinds: list[PieceKind] = [
        "special"
        if processor.IsControl(index) or processor.IsUnknown(index) or processor.IsUnused(index)
        else "byte"
        if processor.IsByte(index)
        else "normal"
        for index in range(found)
    ]
    return [(str(processor.IdToPiece(index)), kind) for index, kind in enumerate(kinds)]


def bits_per_byte(nats_per_token: float, tokens: int, byte_count: int) -> float:
    """Bits per byte of text from the mean loss per token."""
    return nats_per_token / math.log(2.0) * tokens / byte_count
