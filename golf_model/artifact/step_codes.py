"""Codes of shaped steps in our container, from version 2 on: what a tensor's entry says of them, and their part.

A tensor's entry has three more numbers: whether its rows have codes, whether its columns have (2: the same as the
last tensor that had its own), and the states of its trellis. docs/artifact-format.md describes it for other readers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from golf_model.entropy_coding.entropy import CODES_PER_LANE, coded_vectors, read_vectors
from golf_model.entropy_coding.symbol_stream import write_stream
from golf_model.entropy_coding.tables import U8, best_tables, context_counts, inflated
from golf_model.process.errors import ScriptError
from golf_model.quantization.shaping import LARGEST_STEP_CODE, Shaping
from golf_model.quantization.trellis import NEXT_STATES

ZERO_CODE = 128
"""Byte of the code 0."""
HEADS_LENGTH = struct.Struct("<I")
ShapeEntry = tuple[int, int, int]
"""Whether rows have codes, whether columns have, states of the trellis."""


def _as_bytes(codes: Tensor) -> U8:
    return (codes.numpy() + ZERO_CODE).astype(np.uint8)


def codes_length(shapes: Mapping[str, Shaping]) -> int:
    """Bytes of the part `codes`."""
    return len(packed_shapes(shapes)[1])


def packed_shapes(shapes: Mapping[str, Shaping]) -> tuple[dict[str, ShapeEntry], bytes]:
    """(entries of tensors by name, the part `codes`)."""
    entries: dict[str, ShapeEntry] = {}
    vectors: list[U8] = []
    last: Tensor | None = None
    for name, shaping in shapes.items():
        if shaping.rows is not None:
            vectors.append(_as_bytes(shaping.rows))
        own = 0
        if shaping.columns is not None:
            own = 2 if last is not None and torch.equal(last, shaping.columns) else 1
            last = shaping.columns
            if own == 1:
                vectors.append(_as_bytes(shaping.columns))
        entries[name] = (int(shaping.rows is not None), own, shaping.states)
    if not vectors:
        return entries, b""
    medians, spreads, symbols, contexts = coded_vectors(vectors)
    heads = zlib.compress(np.stack((medians, spreads)).tobytes(), 9)
    stream = write_stream(symbols, contexts, best_tables(context_counts(symbols, contexts)), CODES_PER_LANE)
    return entries, HEADS_LENGTH.pack(len(heads)) + heads + stream


def checked_entry(item: Sequence[object], shape: Sequence[int], scheme: str) -> ShapeEntry:
    """The last three values of a tensor's entry; ValueError for strange ones."""
    rows, columns, states = item
    known = all(type(value) is int for value in item) and rows in (0, 1) and columns in (0, 1, 2)
    if not known or not (states == 0 or states in NEXT_STATES) or len(shape) != 2 or scheme != "step":
        raise ValueError(f"rows, columns and states {item!r:.60} of a tensor of {len(shape)} dimensions as {scheme}")
    assert isinstance(rows, int)
    assert isinstance(columns, int)
    assert isinstance(states, int)
    return rows, columns, states


def _read_vectors(blob: bytes, sides: Sequence[int]) -> Iterator[Tensor]:
    """The codes again, int16, one vector after the other; ScriptError for a part that is not those of such sides."""
    if not sides:
        if blob:
            raise ScriptError("artifact: codes of steps that belong to no tensor")
        return
    if len(blob) < HEADS_LENGTH.size:
        raise ScriptError("artifact: the codes of steps end too early")
    end = HEADS_LENGTH.size + HEADS_LENGTH.unpack_from(blob)[0]
    heads = inflated(blob[HEADS_LENGTH.size : end], 2 * len(sides))
    medians, spreads = np.frombuffer(heads, np.uint8).reshape(2, -1)
    for codes in read_vectors(medians, spreads, blob[end:], sides):
        signed = codes.to(torch.int16) - ZERO_CODE
        if bool((signed < -LARGEST_STEP_CODE).any()):
            raise ScriptError("artifact: a code of a step beyond what it may be")
        yield signed


def read_shapes(blob: bytes, entries: Sequence[tuple[tuple[int, ...], ShapeEntry | None]]) -> list[Shaping | None]:
    """The shape of the steps of every tensor; entries: its shape and what its entry says, None where nothing."""
    sides: list[int] = []
    for shape, entry in entries:
        if entry is not None:
            sides += [shape[0]] * entry[0] + [shape[1]] * (entry[1] == 1)
    vectors = _read_vectors(blob, sides)
    found: list[Shaping | None] = []
    last: Tensor | None = None
    for shape, entry in entries:
        if entry is None:
            found.append(None)
            continue
        rows = next(vectors) if entry[0] else None
        if entry[1] == 1:
            last = next(vectors)
        if entry[1] and (last is None or len(last) != shape[1]):
            raise ScriptError("artifact: columns that share codes with a tensor of another width")
        found.append(Shaping(rows, last if entry[1] else None, entry[2]))
    next(vectors, None)  # so that bytes which belong to nobody are met
    return found
