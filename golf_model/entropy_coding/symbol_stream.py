"""Symbols of one byte, each in a context, with the tables that code them: one self-contained piece of an artifact."""

from __future__ import annotations

import struct

import numpy as np

from golf_model.entropy_coding.rans import rans_decode, rans_encode
from golf_model.entropy_coding.tables import MOST_GRAIN, U8, Tables, read_tables, table_frequencies
from golf_model.process.errors import ScriptError

STREAM_HEAD = struct.Struct("<BHII")
"""Grain, lanes, bytes of the tables, number of words."""
MOST_LANES = 1024


def lanes_for(count: int, per_lane: int) -> int:
    """How many coders run side by side over `count` symbols; each costs four bytes, too few cost time."""
    return max(1, min(MOST_LANES, count // per_lane))


def stream_bytes(tables: Tables, count: int, per_lane: int) -> float:
    """Length of a stream, nearly; a lane's state holds two bytes that are not the symbols'."""
    return STREAM_HEAD.size + len(tables.packed) + tables.symbol_bytes + 2 * lanes_for(count, per_lane)


def write_stream(symbols: U8, contexts: U8, tables: Tables, per_lane: int) -> bytes:
    """symbols, contexts: (n,), the contexts below CONTEXTS; tables: of them."""
    used = tables.codes.any(1)
    rank = (np.cumsum(used) - 1).astype(np.uint8)
    frequencies = table_frequencies(tables.codes[used])
    states, words = rans_encode(
        symbols, rank[contexts >> tables.grain], frequencies, lanes_for(len(symbols), per_lane)
    )
    head = STREAM_HEAD.pack(tables.grain, len(states), len(tables.packed), len(words))
    return head + tables.packed + states.astype("<u4").tobytes() + words.astype("<u2").tobytes()


def read_stream(blob: bytes, contexts: U8) -> U8:
    """The symbols (n,) again; ScriptError where the bytes are not those of a stream in these contexts."""
    if len(blob) < STREAM_HEAD.size:
        raise ScriptError("artifact: the coded integers end too early")
    grain, lanes, tables_bytes, word_count = STREAM_HEAD.unpack_from(blob)
    tables_end = STREAM_HEAD.size + tables_bytes
    states_end = tables_end + 4 * lanes
    if grain > MOST_GRAIN or not lanes or states_end + 2 * word_count != len(blob):
        raise ScriptError("artifact: the coded integers have lengths that do not fit")
    row_of, frequencies = read_tables(blob[STREAM_HEAD.size : tables_end], grain)
    if (contexts >= len(row_of)).any() or (row_of[contexts] == 255).any():
        raise ScriptError("artifact: integers without a table")
    states, words = np.frombuffer(blob[tables_end:states_end], "<u4"), np.frombuffer(blob[states_end:], "<u2")
    return rans_decode(states, words, row_of[contexts], frequencies)
