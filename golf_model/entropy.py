"""Integer matrices to bytes and back, without loss: scale contexts (contexts.py) and rANS (rans.py) put together.

Everything that the decoder needs is in the bytes and counted: scale codes, tables, states, split-off low bits, and
integers too large for their context. docs/artifact-format.md describes the layout for other readers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from golf_model.contexts import CONTEXTS, ESCAPE, ScaleCodes, scale_codes
from golf_model.errors import ScriptError
from golf_model.rans import TABLE_BITS, rans_decode, rans_encode

CODED_HEAD = struct.Struct("<BHIIIII")
"""Grain, lanes; bytes of scale codes, tables, low bits, escaped integers; number of words."""
MANTISSAS = (256, 279, 304, 332, 362, 395, 431, 470)
"""2 ** (8 + i / 8), rounded: the counts that a table can tell apart."""
MOST_GRAIN = 4
SYMBOLS_PER_LANE = 1 << 14
MOST_LANES = 1024

U8 = NDArray[np.uint8]


def table_frequencies(codes: U8) -> NDArray[np.uint64]:
    """(tables, 256) frequencies, each row's sum 2 ** TABLE_BITS, of log-count codes (tables, 256); 0 stays 0.

    Code c stands for a count of 2 ** ((c - 1) / 8). Integer arithmetic only, so that every machine gets the same
    table; the largest frequency takes what rounding leaves over.
    """
    octave, eighth = np.divmod(codes.astype(np.int64) - 1, len(MANTISSAS))
    weights = np.where(codes > 0, np.array(MANTISSAS)[eighth] << octave.clip(0), 0)
    whole = 1 << TABLE_BITS
    frequencies = np.maximum(weights * whole // weights.sum(1, keepdims=True), codes > 0)
    frequencies[np.arange(len(codes)), frequencies.argmax(1)] += whole - frequencies.sum(1)
    return np.asarray(frequencies, np.uint64)


def table_codes(counts: NDArray[np.float64]) -> U8:
    """(tables, 256) log-count codes of symbol counts; `table_frequencies` undoes it as far as it can be."""
    logs = np.round(len(MANTISSAS) * np.log2(np.maximum(counts, 1.0)))
    return np.where(counts > 0, np.minimum(1 + logs, 255), 0).astype(np.uint8)


def packed_tables(codes: U8) -> bytes:
    """A bitmap of the tables in use, and their codes as differences from the table before."""
    used = codes.any(1)
    steps = np.diff(codes[used], axis=0, prepend=np.zeros((1, 256), np.uint8))
    return np.packbits(used).tobytes() + zlib.compress(steps.T.tobytes(), 9)


@dataclass(frozen=True)
class Modelled:
    """One matrix as the coder sees it, element by element in its order."""

    codes: ScaleCodes
    contexts: Tensor
    """(n,) uint8."""
    symbols: Tensor
    """(n,) uint8: the integer without its low bits, plus ESCAPE; 0 where it is written out."""
    low_bits: Tensor
    """Bool: the lowest bit of all integers that give one away, then the second, and so on."""
    escaped: Tensor
    """int64: the integers that are written out."""


def modelled(integers: Tensor, codes: ScaleCodes | None = None) -> Modelled:
    """integers: (rows, columns) of any integer dtype on any device; codes: other than the ones measured from them."""
    codes = codes or scale_codes(integers)
    contexts, shifts = codes.levels()
    whole = integers.long()
    top = whole >> shifts
    outside = (top >= ESCAPE) | (top <= -ESCAPE)
    symbols = (top + ESCAPE).masked_fill_(outside, 0)
    deepest = int(shifts.max()) if shifts.numel() else 0
    pieces = [(whole >> bit & 1)[(shifts > bit) & ~outside] for bit in range(deepest)]
    low_bits = torch.cat(pieces).bool() if pieces else torch.empty(0, dtype=torch.bool)
    return Modelled(codes, contexts.flatten(), symbols.flatten().to(torch.uint8), low_bits, whole[outside])


def symbol_counts(models: Iterable[Modelled]) -> NDArray[np.float64]:
    """(CONTEXTS, 256): how often each context meets each symbol."""
    counts = np.zeros((CONTEXTS, 256))
    for model in models:
        found = torch.bincount(model.contexts.int() * 256 + model.symbols, minlength=CONTEXTS * 256)
        counts += found.view(CONTEXTS, 256).cpu().numpy()
    return counts


@dataclass(frozen=True)
class Tables:
    """The tables of some integers, and what coding by them takes."""

    grain: int
    """2 ** grain neighbouring contexts share a table."""
    codes: U8
    """(tables, 256) log-count codes."""
    packed: bytes
    bits: NDArray[np.float64]
    """(tables, 256) length of every symbol; 0 where a table does not have it."""
    symbol_bytes: float
    """Bytes of all symbols."""


def merged(counts: NDArray[np.float64], grain: int) -> NDArray[np.float64]:
    """Counts of 2 ** grain neighbouring contexts together."""
    return np.add.reduceat(counts, np.arange(0, CONTEXTS, 1 << grain), axis=0)


def best_tables(counts: NDArray[np.float64]) -> Tables:
    """The grain at which tables and symbols together are smallest."""
    candidates = []
    for grain in range(MOST_GRAIN + 1):
        shared = merged(counts, grain)
        codes = table_codes(shared)
        frequencies = np.zeros(codes.shape)
        used = codes.any(1)
        frequencies[used] = table_frequencies(codes[used])
        bits = np.where(frequencies > 0, TABLE_BITS - np.log2(np.maximum(frequencies, 1)), 0)
        candidates.append(Tables(grain, codes, packed_tables(codes), bits, float((shared * bits).sum()) / 8))
    return min(candidates, key=lambda tables: tables.symbol_bytes + len(tables.packed))


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
    return bits.tobytes(), zlib.compress(escaped.tobytes(), 9)


def coded_bytes(matrices: Sequence[Tensor]) -> float:
    """What `encode` will take, closely, without coding: the lengths of all symbols are added up, not written."""
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


def inflated(blob: bytes, size: int) -> bytes:
    """zlib data of exactly `size` bytes; ScriptError for anything else, found without unpacking more."""
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(blob, size + 1)
    except zlib.error as error:
        raise ScriptError(f"artifact: not zlib data ({error})") from error
    if len(raw) != size or not stream.eof or stream.unused_data:
        raise ScriptError("artifact: a part is not as long as it should be")
    return raw


def read_tables(blob: bytes, grain: int) -> tuple[U8, NDArray[np.uint64]]:
    """(context -> row of the tables, their frequencies)."""
    count = -(-CONTEXTS >> grain)
    used = np.unpackbits(np.frombuffer(blob[: -(-count // 8)], np.uint8), count=count).astype(bool)
    steps = np.frombuffer(inflated(blob[-(-count // 8) :], 256 * int(used.sum())), np.uint8)
    codes = np.cumsum(steps.reshape(256, -1).T, axis=0, dtype=np.uint8)
    if not codes.any(1).all():
        raise ScriptError("artifact: an empty table")
    rank = np.where(used, np.cumsum(used) - 1, 255).astype(np.uint8)
    return rank[np.arange(CONTEXTS) >> grain], table_frequencies(codes)


def read_codes(blob: bytes, shapes: Sequence[tuple[int, int]]) -> list[ScaleCodes]:
    """The scale codes of matrices of these shapes."""
    raw = inflated(blob, sum(2 + rows + columns for rows, columns in shapes))
    bases = np.frombuffer(raw[: 2 * len(shapes)], "<i2")
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
    if lanes != lanes_for(len(rows)) or (rows == 255).any():
        raise ScriptError("artifact: integers without a table")
    symbols = rans_decode(np.frombuffer(states, "<u4"), np.frombuffer(words, "<u2"), rows, frequencies)
    shifts_of = [codes.levels()[1].flatten().numpy() for codes in every]
    symbols_of = np.split(symbols, np.cumsum([shifts.size for shifts in shifts_of])[:-1])
    kept = sum(int(shifts[piece > 0].sum()) for shifts, piece in zip(shifts_of, symbols_of, strict=True))
    if len(low) != -(-kept // 8):
        raise ScriptError("artifact: the integers' low bits are not as many as they should be")
    bits = ArrayReader(np.unpackbits(np.frombuffer(low, np.uint8), count=kept).astype(np.int64))
    outliers = ArrayReader(np.frombuffer(inflated(escaped, 8 * int((symbols == 0).sum())), "<i8"))
    for shape, shifts, piece in zip(shapes, shifts_of, symbols_of, strict=True):
        inside = piece > 0
        integers = (piece.astype(np.int64) - ESCAPE) << shifts
        for bit in range(int(shifts.max(initial=0))):
            here = inside & (shifts > bit)
            integers[here] |= bits.take(int(here.sum())) << bit
        integers[~inside] = outliers.take(int((~inside).sum()))
        yield torch.from_numpy(integers).view(shape)
