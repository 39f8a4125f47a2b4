"""Integer matrices to bytes and back, without loss: scale contexts (contexts.py) and rANS (rans.py) put together.

Everything that the decoder needs is in the bytes and counted: scale codes, tables, states, split-off low bits, and
integers too large for their context. docs/artifact-format.md describes the layout for other readers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from golf_model.contexts import ESCAPE, LARGEST_BASE, Modelled, ScaleCodes, modelled
from golf_model.errors import ScriptError
from golf_model.rans import rans_decode, rans_encode
from golf_model.tables import MOST_GRAIN, best_tables, inflated, read_tables, symbol_counts, table_frequencies

CODED_HEAD = struct.Struct("<BHIIIII")
"""Grain, lanes; bytes of scale codes, tables, low bits, escaped integers; number of words."""
SYMBOLS_PER_LANE = 1 << 14
MOST_LANES = 1024


def packed_codes(models: Sequence[Modelled]) -> bytes:
    """The scale codes of all matrices: their bases, then rows and columns."""
    bases = np.array([model.codes.base for model in models], "<i2").tobytes()
    codes = [part.cpu().numpy().tobytes() for model in models for part in (model.codes.rows, model.codes.columns)]
    return zlib.compress(bases + b"".join(codes), 9)


def lanes_for(count: int) -> int:
    """How many coders run side by side over `count` symbols; each costs four bytes."""
    return max(1, min(MOST_LANES, count // SYMBOLS_PER_LANE))


def packed_rest(models: Sequence[Modelled]) -> tuple[bytes, bytes]:
    """Low bits, and escaped integers, of all matrices."""
    bits = np.packbits(np.concatenate([model.low_bits.cpu().numpy() for model in models]))
    escaped = np.concatenate([model.escaped.cpu().numpy() for model in models]).astype("<i8")
    return zlib.compress(bits.tobytes(), 9), zlib.compress(escaped.tobytes(), 9)


def coded_bytes(matrices: Sequence[Tensor]) -> float:
    """What `encode_integers` takes, nearly: all symbols' lengths are added up, nothing is written."""
    models = [modelled(matrix) for matrix in matrices]
    if not models:
        return float(len(encode_integers([])))
    tables = best_tables(symbol_counts(models))
    states = 2 * lanes_for(sum(len(model.symbols) for model in models))
    rest = sum(map(len, packed_rest(models)))
    return CODED_HEAD.size + len(packed_codes(models)) + len(tables.packed) + tables.symbol_bytes + states + rest


def encode_integers(matrices: Sequence[Tensor]) -> bytes:
    """matrices: (rows, columns) each, of any integer dtype."""
    models = [modelled(matrix) for matrix in matrices]
    if not models:
        return b""
    tables = best_tables(symbol_counts(models))
    symbols = np.concatenate([model.symbols.cpu().numpy() for model in models])
    contexts = np.concatenate([model.contexts.cpu().numpy() for model in models])
    used = tables.codes.any(1)
    rank = (np.cumsum(used) - 1).astype(np.uint8)
    states, words = rans_encode(
        symbols, rank[contexts >> tables.grain], table_frequencies(tables.codes[used]), lanes_for(len(symbols))
    )
    parts = [packed_codes(models), tables.packed, *packed_rest(models)]
    head = CODED_HEAD.pack(tables.grain, len(states), *map(len, parts), len(words))
    return b"".join([head, *parts, states.astype("<u4").tobytes(), words.astype("<u2").tobytes()])


def read_codes(blob: bytes, shapes: Sequence[tuple[int, int]]) -> list[ScaleCodes]:
    """The scale codes of matrices of these shapes."""
    raw = inflated(blob, sum(2 + rows + columns for rows, columns in shapes))
    bases = np.frombuffer(raw[: 2 * len(shapes)], "<i2")
    if (np.abs(bases.astype(np.int32)) > LARGEST_BASE).any():
        raise ScriptError("artifact: scale codes beyond any integer")
    codes = torch.from_numpy(np.frombuffer(raw[2 * len(shapes) :], np.uint8).copy())
    pieces = torch.split(codes, [side for shape in shapes for side in shape])
    return [ScaleCodes(int(base), *pieces[2 * index : 2 * index + 2]) for index, base in enumerate(bases)]


class ArrayReader:
    """An array that is read from its beginning on."""

    def __init__(self, values: NDArray[np.int64]) -> None:
        self.values = values

    def take(self, count: int) -> NDArray[np.int64]:
        """The next `count` values."""
        taken, self.values = self.values[:count], self.values[count:]
        return taken


def decode_integers(blob: bytes, shapes: Sequence[tuple[int, int]]) -> Iterator[Tensor]:
    """The matrices again, (rows, columns) int64 each, one after the other; ScriptError where bytes and shapes differ.

    The caller bounds the shapes; beside the matrices this takes a few bytes for each of their elements.
    """
    if not shapes:
        if blob:
            raise ScriptError("artifact: integers that belong to no tensor")
        return
    if len(blob) < CODED_HEAD.size:
        raise ScriptError("artifact: the coded integers end too early")
    grain, lanes, *sizes, word_count = CODED_HEAD.unpack_from(blob)
    ends = np.cumsum([CODED_HEAD.size, *sizes, 4 * lanes, 2 * word_count])
    if grain > MOST_GRAIN or ends[-1] != len(blob):
        raise ScriptError("artifact: the coded integers have lengths that do not fit")
    coded, tables, low, escaped, states, words = (blob[begin:end] for begin, end in pairwise(ends))
    every = read_codes(coded, shapes)
    row_of, frequencies = read_tables(tables, grain)
    contexts = np.concatenate([codes.levels()[0].flatten().numpy() for codes in every])
    rows = row_of[contexts]
    if not lanes or (rows == 255).any():
        raise ScriptError("artifact: integers without a lane or a table")
    symbols = rans_decode(np.frombuffer(states, "<u4"), np.frombuffer(words, "<u2"), rows, frequencies)
    shifts_of = [codes.levels()[1].flatten().numpy() for codes in every]
    symbols_of = np.split(symbols, np.cumsum([shifts.size for shifts in shifts_of])[:-1])
    kept = sum(int(shifts[piece > 0].sum()) for shifts, piece in zip(shifts_of, symbols_of, strict=True))
    packed_bits = np.frombuffer(inflated(low, -(-kept // 8)), np.uint8)
    bits = ArrayReader(np.unpackbits(packed_bits, count=kept).astype(np.int64))
    outliers = ArrayReader(np.frombuffer(inflated(escaped, 8 * int((symbols == 0).sum())), "<i8"))
    for shape, shifts, piece in zip(shapes, shifts_of, symbols_of, strict=True):
        inside = piece > 0
        integers = (piece.astype(np.int64) - ESCAPE) << shifts
        for bit in range(int(shifts.max(initial=0))):
            here = inside & (shifts > bit)
            integers[here] |= bits.take(int(here.sum())) << bit
        integers[~inside] = outliers.take(int((~inside).sum()))
        yield torch.from_numpy(integers).view(shape)
