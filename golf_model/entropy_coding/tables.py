"""The coder's tables: how often each context meets each symbol, coarse enough to be written in few bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from golf_model.entropy_coding.contexts import CONTEXTS, Modelled
from golf_model.entropy_coding.rans import TABLE_BITS
from golf_model.process.errors import ScriptError

MANTISSAS = (256, 279, 304, 332, 362, 395, 431, 470)
"""2 ** (8 + i / 8), rounded: the counts that a table can tell apart."""
MOST_GRAIN = 4

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


def symbol_counts(models: Iterable[Modelled]) -> NDArray[np.float64]:
    """(CONTEXTS, 256): how often each context meets each symbol."""
    counts = np.zeros((CONTEXTS, 256))
    for model in models:
        found = torch.bincount(model.contexts.int() * 256 + model.symbols, minlength=CONTEXTS * 256)
        counts += found.view(CONTEXTS, 256).cpu().numpy()
    return counts


def context_counts(symbols: U8, contexts: U8) -> NDArray[np.float64]:
    """The same of symbols and contexts (n,)."""
    found = np.bincount(contexts.astype(np.intp) * 256 + symbols, minlength=CONTEXTS * 256)
    return found.reshape(CONTEXTS, 256).astype(np.float64)


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
