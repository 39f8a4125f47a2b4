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

from golf_model.entropy_coding.contexts import ESCAPE, LARGEST_BASE, Modelled, ScaleCodes, modelled
from golf_model.entropy_coding.symbol_stream import read_stream, stream_bytes, write_stream
from golf_model.entropy_coding.tables import U8, best_tables, context_counts, inflated, symbol_counts
from golf_model.process.errors import ScriptError

CODED_HEAD = struct.Struct("<5I")
"""Bytes of vector heads, scale codes, symbols, low bits, escaped integers."""
SYMBOLS_PER_LANE = 1 << 14
CODES_PER_LANE = 1 << 12
CENTRE = 128
"""Symbol of a scale code that is its vector's median."""


def coded_vectors(vectors: Sequence[U8]) -> tuple[U8, U8, U8, U8]:
    """(medians, spreads, symbols, contexts) of vectors of codes.

    Of each vector its median and how far its codes lie from it, which is the context of all of them.
    """
    medians = np.array([np.sort(vector)[len(vector) // 2] if len(vector) else 0 for vector in vectors], np.uint8)
    away = [vector.astype(np.int16) - median for vector, median in zip(vectors, medians, strict=True)]
    spreads = np.array(
        [round(4 * np.log2(1 + 4 * np.abs(part).mean())) if len(part) else 0 for part in away], np.uint8
    )
    symbols = np.concatenate(away).astype(np.int16) + CENTRE
    return medians, spreads, (symbols % 256).astype(np.uint8), np.repeat(spreads, [len(part) for part in away])


def code_vectors(models: Sequence[Modelled]) -> tuple[bytes, U8, U8]:
    """(heads, symbols, contexts) of the scale codes of all matrices, rows before columns.

    The heads are the matrices' bases, and the vectors' medians and spreads.
    """
    bases = np.array([model.codes.base for model in models], "<i2").tobytes()
    vectors = [part.cpu().numpy() for model in models for part in (model.codes.rows, model.codes.columns)]
    medians, spreads, symbols, contexts = coded_vectors(vectors)
    return bases + np.stack((medians, spreads)).tobytes(), symbols, contexts


def packed_rest(models: Sequence[Modelled]) -> tuple[bytes, bytes]:
    """Low bits, and escaped integers, of all matrices."""
    bits = np.packbits(np.concatenate([model.low_bits.cpu().numpy() for model in models]))
    escaped = np.concatenate([model.escaped.cpu().numpy() for model in models]).astype("<i8")
    return zlib.compress(bits.tobytes(), 9), zlib.compress(escaped.tobytes(), 9)


def coded_bytes(matrices: Sequence[Tensor]) -> float:
    """What `encode_integers` takes, nearly: all symbols' lengths are added up, nothing is written."""
    models = [modelled(matrix) for matrix in matrices]
    if not models:
        return 0.0
    heads, codes, spreads = code_vectors(models)
    count = sum(len(model.symbols) for model in models)
    of_codes = stream_bytes(best_tables(context_counts(codes, spreads)), len(codes), CODES_PER_LANE)
    of_symbols = stream_bytes(best_tables(symbol_counts(models)), count, SYMBOLS_PER_LANE)
    rest = sum(map(len, packed_rest(models)))
    return CODED_HEAD.size + len(zlib.compress(heads, 9)) + of_codes + of_symbols + rest


def encode_integers(matrices: Sequence[Tensor]) -> bytes:
    """matrices: (rows, columns) each, of any integer dtype."""
    models = [modelled(matrix) for matrix in matrices]
    if not models:
        return b""
    heads, codes, spreads = code_vectors(models)
    symbols, contexts = (
        np.concatenate([part.cpu().numpy() for part in parts])
        for parts in ([model.symbols for model in models], [model.contexts for model in models])
    )
    parts = [
        zlib.compress(heads, 9),
        write_stream(codes, spreads, best_tables(context_counts(codes, spreads)), CODES_PER_LANE),
        write_stream(symbols, contexts, best_tables(symbol_counts(models)), SYMBOLS_PER_LANE),
        *packed_rest(models),
    ]
    return CODED_HEAD.pack(*map(len, parts)) + b"".join(parts)


def read_vectors(medians: U8, spreads: U8, stream: bytes, sides: Sequence[int]) -> tuple[Tensor, ...]:
    """Vectors of codes again, uint8, of these lengths."""
    symbols = read_stream(stream, np.repeat(spreads, sides))
    codes = symbols.astype(np.int16) - CENTRE + np.repeat(medians, sides)
    return torch.split(torch.from_numpy((codes % 256).astype(np.uint8)), list(sides))


def read_codes(heads: bytes, stream: bytes, shapes: Sequence[tuple[int, int]]) -> list[ScaleCodes]:
    """The scale codes of matrices of these shapes."""
    count, sides = len(shapes), [side for shape in shapes for side in shape]
    raw = inflated(heads, 2 * count + 2 * len(sides))
    bases = np.frombuffer(raw[: 2 * count], "<i2").astype(np.int32)
    medians, spreads = np.frombuffer(raw[2 * count :], np.uint8).reshape(2, -1)
    if (np.abs(bases) > LARGEST_BASE).any():
        raise ScriptError("artifact: scale codes beyond any integer")
    pieces = read_vectors(medians, spreads, stream, sides)
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
    ends = np.cumsum([CODED_HEAD.size, *CODED_HEAD.unpack_from(blob)])
    if ends[-1] != len(blob):
        raise ScriptError("artifact: the coded integers have lengths that do not fit")
    heads, codes_stream, symbol_stream, low, escaped = (blob[begin:end] for begin, end in pairwise(ends))
    levels = [codes.levels() for codes in read_codes(heads, codes_stream, shapes)]
    contexts = np.concatenate([context.flatten().numpy() for context, _ in levels])
    symbols = read_stream(symbol_stream, contexts)
    shifts_of = [shifts.flatten().numpy() for _, shifts in levels]
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
