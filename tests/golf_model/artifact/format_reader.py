"""A reader of golf's artifacts in plain Python, from docs/artifact-format.md alone: nothing of golf_model in it.

It trusts the file, is slow, and returns each tensor as a flat list of numbers.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import lzma
import struct
import zlib
from math import prod
from typing import Any

import zstandard

MANTISSAS = [256, 279, 304, 332, 362, 395, 431, 470]


def unpacked(codec: str, data: bytes) -> bytes:
    """One part under a general codec."""
    if codec == "zlib":
        return zlib.decompress(data)
    if codec == "lzma":
        return lzma.decompress(data)
    if codec == "zstd":
        return zstandard.ZstdDecompressor().decompress(data)
    if codec == "brotli":
        return bytes(importlib.import_module("brotli").decompress(data))
    assert codec == "raw"
    return data


def numbers(kind: str, data: bytes) -> list[Any]:
    """Little-endian numbers of one struct code."""
    return list(struct.unpack(f"<{len(data) // struct.calcsize(kind)}{kind}", data))


def read_artifact(blob: bytes) -> dict[str, tuple[list[int], list[float]]]:
    """Name -> (shape, weights row by row)."""
    assert blob[:4] == b"golf"
    assert hashlib.sha256(blob[:-32]).digest() == blob[-32:]
    version, length = struct.unpack_from("<HI", blob, 4)
    assert version in (1, 2)
    header = json.loads(zlib.decompress(blob[10 : 10 + length]))
    at, parts = 10 + length, {}
    for name in ("integers", "scales", "floats", *(["codes"] if version == 2 else [])):
        size = header["parts"][name][1]
        parts[name] = blob[at : at + size]
        at += size
    assert at == len(blob) - 32
    shapes = read_shapes(parts.get("codes", b""), header["tensors"])
    quantized = [tensor for tensor in header["tensors"] if tensor[1] not in ("float32", "float16")]
    codec, _, width = header["parts"]["integers"]
    if codec == "rans":
        integers = read_rans(parts["integers"], [matrix(tensor[3]) for tensor in quantized])
    else:
        flat = numbers({1: "b", 2: "h", 4: "i"}[width], unpacked(codec, parts["integers"]))
        integers = []
        for _, _, _, shape, *_ in quantized:
            integers.append(flat[: prod(shape)])
            flat = flat[prod(shape) :]
    scales = unpacked(header["parts"]["scales"][0], parts["scales"])
    floats = unpacked(header["parts"]["floats"][0], parts["floats"])
    result: dict[str, tuple[list[int], list[float]]] = {}
    coded = iter(integers)
    for name, scheme, _, shape, *_ in header["tensors"]:
        count = prod(shape)
        if scheme in ("float32", "float16"):
            kind, size = ("f", 4) if scheme == "float32" else ("e", 2)
            result[name], floats = (shape, numbers(kind, floats[: size * count])), floats[size * count :]
            continue
        if len(shape) == 2 and scheme != "step":
            factors, scales = numbers("e", scales[: 2 * shape[0]]), scales[2 * shape[0] :]
        else:
            factors, scales = numbers("f", scales[:4]), scales[4:]
        if name in shapes:
            result[name] = (shape, shaped(next(coded), factors[0], shape, *shapes[name]))
            continue
        each = count // len(factors)
        result[name] = (shape, [value * factors[index // each] for index, value in enumerate(next(coded))])
    return result


NEXT = {
    4: [(0, 1), (2, 3), (1, 0), (3, 2)],
    8: [(0, 2), (5, 7), (1, 3), (4, 6), (2, 0), (7, 5), (3, 1), (6, 4)],
}
"""State after an even and after an odd index."""


def single(value: float) -> float:
    """Rounded to float32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def shaped(
    integers: list[int], step: float, shape: list[int], rows: list[int], columns: list[int], states: int
) -> list[float]:
    """Weights of a matrix with codes or a trellis, row by row."""
    weights = []
    for row in range(shape[0]):
        state = 0
        own = single(step * octaves(rows[row])) if rows else step
        for column in range(shape[1]):
            level = index = integers[row * shape[1] + column]
            if states:
                level = 2 * index + state % 2
                state = NEXT[states][state][index % 2]
            weight = single(single(level) * own)
            weights.append(single(weight * octaves(columns[column])) if columns else weight)
    return weights


def octaves(code: int) -> float:
    """2 ** (code / 4): a power of two times one of four float32 numbers."""
    return single(2 ** (code % 4 / 4)) * 2.0 ** (code // 4)


def read_shapes(data: bytes, tensors: list[Any]) -> dict[str, tuple[list[int], list[int], int]]:
    """Codes of rows, codes of columns and states of every tensor whose entry has them."""
    entries = [tensor for tensor in tensors if len(tensor) > 4]
    sides = []
    for _, _, _, shape, rows, columns, _ in entries:
        sides += [shape[0]] * (rows == 1) + [shape[1]] * (columns == 1)
    vectors: list[list[int]] = []
    if sides:
        (length,) = struct.unpack_from("<I", data)
        heads = zlib.decompress(data[4 : 4 + length])
        medians, spreads = heads[: len(sides)], heads[len(sides) :]
        contexts = [spread for spread, side in zip(spreads, sides, strict=True) for _ in range(side)]
        symbols = read_stream(data[4 + length :], contexts)
        for median, side in zip(medians, sides, strict=True):
            vectors.append([(symbol - 128 + median) % 256 - 128 for symbol in symbols[:side]])
            symbols = symbols[side:]
    found, last = {}, list[int]()
    for name, _, _, _, rows, columns, states in entries:
        own = vectors.pop(0) if rows else []
        if columns == 1:
            last = vectors.pop(0)
        found[name] = (own, last if columns else [], states)
    return found


def matrix(shape: list[int]) -> tuple[int, int]:
    """Rows and columns of a tensor."""
    return (shape[0], prod(shape[1:])) if len(shape) > 1 else (1, prod(shape))


def read_rans(data: bytes, shapes: list[tuple[int, int]]) -> list[list[int]]:
    """The integers of every matrix, row by row."""
    if not shapes:
        return []
    pieces, at = [], 20
    for length in struct.unpack_from("<5I", data):
        pieces.append(data[at : at + length])
        at += length
    assert at == len(data)
    heads, low, escaped = (zlib.decompress(pieces[index]) for index in (0, 3, 4))
    contexts, depths = scale_contexts(heads, pieces[1], shapes)
    symbols = read_stream(pieces[2], [context for part in contexts for context in part])
    bits = iter("".join(f"{byte:08b}" for byte in low))
    outliers = iter(numbers("q", escaped))
    result, at = [], 0
    for depth in depths:
        part = symbols[at : at + len(depth)]
        at += len(part)
        values = [(symbol - 128) * 2**d for symbol, d in zip(part, depth, strict=True)]
        for bit in range(max(depth, default=0)):
            for index, (symbol, d) in enumerate(zip(part, depth, strict=True)):
                if d > bit and symbol:
                    values[index] += int(next(bits)) << bit
        result.append([value if symbol else next(outliers) for value, symbol in zip(values, part, strict=True)])
    return result


def read_stream(data: bytes, contexts: list[int]) -> list[int]:
    """One symbol for every context."""
    grain, lanes, length, words = struct.unpack_from("<BHII", data)
    tables, rest = data[11 : 11 + length], data[11 + length :]
    assert len(rest) == 4 * lanes + 2 * words
    states, stream = numbers("I", rest[: 4 * lanes]), iter(numbers("H", rest[4 * lanes :]))
    frequencies = read_tables(tables, grain)
    symbols = []
    for index, context in enumerate(contexts):
        table, lane = frequencies[context >> grain], index % lanes
        slot, start, symbol = states[lane] % 32768, 0, 0
        while slot >= start + table[symbol]:
            start += table[symbol]
            symbol += 1
        states[lane] = table[symbol] * (states[lane] // 32768) + slot - start
        if states[lane] < 65536:
            states[lane] = 65536 * states[lane] + next(stream)
        symbols.append(symbol)
    assert set(states) == {65536}
    assert next(stream, None) is None
    return symbols


def scale_contexts(
    heads: bytes, stream: bytes, shapes: list[tuple[int, int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """Context and number of low bits of every element, matrix by matrix."""
    sides, count = [side for shape in shapes for side in shape], len(shapes)
    bases, medians, spreads = numbers("h", heads[: 2 * count]), heads[2 * count : 4 * count], heads[4 * count :]
    symbols = read_stream(stream, [spread for spread, side in zip(spreads, sides, strict=True) for _ in range(side)])
    vectors = []
    for median, side in zip(medians, sides, strict=True):
        vectors.append([(symbol - 128 + median) % 256 for symbol in symbols[:side]])
        symbols = symbols[side:]
    contexts, depths = [], []
    for base, rows, columns in zip(bases, vectors[::2], vectors[1::2], strict=True):
        scales = [max(base + r + c, -64) for r in rows for c in columns]
        depth = [min(max(s // 8 - 3, 0), 62) for s in scales]
        contexts.append([min(s - 8 * d + 64, 95) for s, d in zip(scales, depth, strict=True)])
        depths.append(depth)
    return contexts, depths


def read_tables(data: bytes, grain: int) -> dict[int, list[int]]:
    """Frequencies of the 256 symbols of every table in use."""
    count = -(-96 // 2**grain)
    bitmap = "".join(f"{byte:08b}" for byte in data[: -(-count // 8)])
    used = [table for table in range(count) if bitmap[table] == "1"]
    steps = zlib.decompress(data[-(-count // 8) :])
    frequencies: dict[int, list[int]] = {}
    codes = [0] * 256
    for index, table in enumerate(used):
        codes = [(code + steps[symbol * len(used) + index]) % 256 for symbol, code in enumerate(codes)]
        weights = [MANTISSAS[(c - 1) % 8] << ((c - 1) // 8) if c else 0 for c in codes]
        found = [max(1, weight * 32768 // sum(weights)) if weight else 0 for weight in weights]
        found[found.index(max(found))] += 32768 - sum(found)
        frequencies[table] = found
    return frequencies
