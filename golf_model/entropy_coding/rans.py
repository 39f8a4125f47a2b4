"""Interleaved range-variant asymmetric numeral systems (Duda, arXiv 1311.2540): symbols to bits by static tables.

Many coders run side by side in the lanes of a numpy array and share one stream of 16-bit words, so that Python's
price is paid once for a thousand symbols (Giesen, arXiv 1402.3392). Which table a symbol is coded by is the caller's
business; it must be known to the decoder before the symbol is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golf_model.process.errors import ScriptError

TABLE_BITS = 15
"""A table's frequencies sum to 2 ** this."""
LOWEST = 1 << 16
"""A lane's state lies in [2 ** 16, 2 ** 32)."""

U64 = NDArray[np.uint64]


def rans_encode(
    symbols: NDArray[np.uint8], tables: NDArray[np.uint8], frequencies: U64, lanes: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """(states, words) of `symbols`, symbol i in lane i mod `lanes`.

    symbols, tables: (n,), each symbol and the table that it is coded by; frequencies: (tables, 256), every row's sum
    2 ** TABLE_BITS, not 0 where it is used.
    """
    starts = (np.cumsum(frequencies, axis=1) - frequencies).ravel()
    flat, n = frequencies.ravel(), len(symbols)
    states = np.full(lanes, LOWEST, np.uint64)
    room, shift, word = np.uint64(32 - TABLE_BITS), np.uint64(TABLE_BITS), np.uint64(16)
    written: list[NDArray[np.uint16]] = []
    for at in range((n - 1) // lanes * lanes, -1, -lanes) if n else ():
        rows = tables[at : at + lanes].astype(np.intp) << 8 | symbols[at : at + lanes]
        share, state = flat[rows], states[: len(rows)]
        full = state >= share << room
        written.append(state[full].astype(np.uint16))
        state = np.where(full, state >> word, state)
        quotient = state // share
        states[: len(rows)] = (quotient << shift) + (state - quotient * share) + starts[rows]
    words = np.concatenate(written[::-1]) if written else np.empty(0, np.uint16)
    return states.astype(np.uint32), words


def rans_decode(
    states: NDArray[np.uint32], words: NDArray[np.uint16], tables: NDArray[np.uint8], frequencies: U64
) -> NDArray[np.uint8]:
    """The (n,) symbols that `rans_encode` was given with `tables`; ScriptError unless all words end just there."""
    count, lanes = len(frequencies), len(states)
    symbol_at = np.repeat(np.tile(np.arange(256, dtype=np.uint8), count), frequencies.ravel().astype(np.intp))
    flat, starts = frequencies.ravel(), (np.cumsum(frequencies, axis=1) - frequencies).ravel()
    symbols = np.empty(len(tables), np.uint8)
    state, padded = states.astype(np.uint64), np.append(words, np.zeros(lanes, np.uint16)).astype(np.uint64)
    shift, mask, word, at = np.uint64(TABLE_BITS), np.uint64((1 << TABLE_BITS) - 1), np.uint64(16), 0
    for begin in range(0, len(tables), lanes):
        table = tables[begin : begin + lanes].astype(np.intp)
        here = state[: len(table)]
        slot = here & mask
        found = symbol_at[(table << TABLE_BITS) + slot.astype(np.intp)]
        symbols[begin : begin + lanes] = found
        rows = (table << 8) + found
        here = flat[rows] * (here >> shift) + slot - starts[rows]
        (low,) = (here < LOWEST).nonzero()
        here[low] = here[low] << word | padded[at : at + len(low)]
        at += len(low)
        if at > len(words):
            raise ScriptError("artifact: the coded integers end too early")
        state[: len(table)] = here
    if at != len(words) or (state != LOWEST).any():
        raise ScriptError("artifact: the coded integers do not end where they should")
    return symbols
