"""How many bytes of text each token stands for, from the SentencePiece vocabulary.

bytes(target) = base_bytes[target] + (has_leading_space[target] and not is_boundary[previous]): a piece's
leading U+2581 is a space only after a token that is text. Control, unknown and unused ids have no bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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

    def count(self, previous: Tensor, targets: Tensor) -> Tensor:
        """Bytes of every target given the token before it; both int64 of one shape, result int64."""
        space = self.has_leading_space[targets] & ~self.is_boundary[previous]
        return self.base_bytes[targets].long() + space.long()

    def to(self, device: torch.device) -> ByteTables:
        """The same tables on a device."""
        return ByteTables(self.base_bytes.to(device), self.has_leading_space.to(device), self.is_boundary.to(device))


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
    )


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
