"""Our container: a JSON header, integers, scales, floats, and a checksum. No pickle, the same bytes each time.

docs/artifact-format.md describes it for other readers. Here are header, parts and checksum; how integers are coded
is entropy.py's business or a general compressor's. Reading bounds everything by the number of elements that its
caller allows, before anything is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor

from golf_model.artifact.compress import compress, decompress, has_brotli
from golf_model.artifact.step_codes import ShapeEntry, checked_entry, packed_shapes, read_shapes
from golf_model.artifact.stored import FLOAT_DTYPES, Stored, shown
from golf_model.entropy_coding.entropy import decode_integers, encode_integers
from golf_model.process.errors import ScriptError
from golf_model.quantization.trellis import LARGEST_INDEX
from golf_model.shapes import LEVELS, Scheme, has_row_scales

GOLF_MAGIC = b"golf"
GOLF_VERSION = 1
SHAPED_VERSION = 2
"""Of a file whose steps are shaped or whose integers belong to a trellis; any other is written as version 1."""
GOLF_HEAD = struct.Struct("<4sHI")
"""Magic, version, length of the header as it is written."""
MOST_HEADER_BYTES = 1 << 20
"""Of the header, unpacked."""
CHECKSUM_BYTES = 32
"""SHA-256 of everything before it."""
Codec = Literal["rans", "raw", "zlib", "lzma", "zstd", "brotli"]


@dataclass(frozen=True)
class Part:
    """One of the parts as it lies in the file."""

    codec: Codec
    blob: bytes
    width: int = 0
    """Bytes of an integer before a general compressor; 0 where that means nothing."""


@dataclass(frozen=True)
class Head:
    """What the header says of one tensor."""

    name: str
    scheme: Scheme
    dtype: str
    shape: tuple[int, ...]
    steps: ShapeEntry | None = None
    """What it says of shaped steps, from version 2 on."""

    @property
    def scales(self) -> tuple[tuple[int, ...], torch.dtype]:
        """Shape and type of its scales."""
        by_row = has_row_scales(self.scheme, self.shape)
        return (self.shape[:1], torch.float16) if by_row else ((), torch.float32)

    @property
    def matrix(self) -> tuple[int, int]:
        """(rows, columns) as the coder sees it: everything but the first dimension together."""
        return (self.shape[0], prod(self.shape[1:])) if len(self.shape) > 1 else (1, prod(self.shape))


def as_matrix(values: Tensor) -> Tensor:
    """A tensor of any shape with everything but its first dimension together; a vector is one row."""
    return values.reshape(values.shape[0], prod(values.shape[1:])) if values.ndim > 1 else values.reshape(1, -1)


def raw_tensor(tensor: Tensor) -> bytes:
    """Little-endian bytes in C order."""
    if sys.byteorder != "little":
        raise ScriptError("artifacts are written and read on little-endian machines only")
    return tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def coded_integers(matrices: Sequence[Tensor], codec: Codec) -> Part:
    """All integers by one coder."""
    if codec == "rans":
        return Part("rans", encode_integers(matrices))
    largest = max((int(matrix.abs().max()) for matrix in matrices if matrix.numel()), default=0)
    width = 1 if largest < 1 << 7 else 2 if largest < 1 << 15 else 4
    dtype = {1: torch.int8, 2: torch.int16, 4: torch.int32}[width]
    raw = b"".join(raw_tensor(matrix.to(dtype)) for matrix in matrices)
    if not raw or codec == "raw":
        return Part("raw", raw, width)
    return Part(codec, compress(raw, codec, thorough=True), width)


def coded_floats(raw: bytes) -> Part:
    """Bytes of scales or floats by whichever of three ways is the smallest."""
    ways = [Part("raw", raw)]
    if raw:
        ways += [Part("zlib", compress(raw, "zlib")), Part("lzma", compress(raw, "lzma", thorough=True))]
    return min(ways, key=lambda part: len(part.blob))


def measured_codecs() -> tuple[Codec, ...]:
    """What `auto` tries."""
    return ("rans", "zlib", "zstd", "lzma", *(("brotli",) if has_brotli() else ()))


def write_golf(
    stored: Mapping[str, Stored], codec: str, saved: Mapping[str, float] | None = None
) -> tuple[bytes, dict[str, int]]:
    """(the file, bytes of the integers by each codec that was tried).

    codec: one, or `auto`; saved: bits a weight that shaped steps were predicted to save, for whoever looks.
    """
    quantized = [item for item in stored.values() if item.scales is not None]
    matrices = [as_matrix(item.values) for item in quantized]
    tried = measured_codecs() if codec == "auto" else (cast("Codec", codec),)
    with ThreadPoolExecutor(len(tried)) as pool:  # the compressors leave Python's lock to each other
        ways = dict(zip(tried, pool.map(lambda name: coded_integers(matrices, name), tried), strict=True))
    parts = {
        "integers": min(ways.values(), key=lambda part: len(part.blob)),
        "scales": coded_floats(b"".join(raw_tensor(item.scales) for item in quantized if item.scales is not None)),
        "floats": coded_floats(b"".join(raw_tensor(i.values) for i in stored.values() if i.scales is None)),
    }
    tensors: dict[str, list[Any]] = {
        name: [name, item.scheme, item.dtype, list(item.values.shape)] for name, item in stored.items()
    }
    header: dict[str, Any] = {"tensors": [*tensors.values()]}
    version = GOLF_VERSION
    shapes = {name: item.shaping for name, item in stored.items() if item.shaping is not None}
    if saved or shapes:
        version, (entries, codes) = SHAPED_VERSION, packed_shapes(shapes)
        parts["codes"] = Part("rans" if codes else "raw", codes)
        for name, entry in entries.items():
            tensors[name].extend(entry)
        header["saved"] = {name: round(bits, 4) for name, bits in (saved or {}).items()}
    header["parts"] = {name: [part.codec, len(part.blob), part.width] for name, part in parts.items()}
    text = zlib.compress(json.dumps(header, separators=(",", ":")).encode("utf-8"), 9)
    body = GOLF_HEAD.pack(GOLF_MAGIC, version, len(text)) + text + b"".join(p.blob for p in parts.values())
    return body + hashlib.sha256(body).digest(), {name: len(part.blob) for name, part in ways.items()}


def misread(what: str) -> ScriptError:
    """The error of a file that is not as `write_golf` writes."""
    return ScriptError(f"artifact: {what}")


def open_golf(blob: bytes) -> tuple[list[Head], dict[str, Part], dict[str, Any]]:
    """Tensors, parts and the whole header of a file whose checksum is right; ScriptError for anything else.

    Unpacks only the header, of which tensors and parts have been checked.
    """
    if len(blob) < GOLF_HEAD.size + CHECKSUM_BYTES:
        raise misread("too short to be one")
    magic, version, length = GOLF_HEAD.unpack_from(blob)
    if magic != GOLF_MAGIC:
        raise misread("not in golf's format")
    if version not in (GOLF_VERSION, SHAPED_VERSION):
        raise misread(f"version {version} of golf's format; this script reads versions 1 and {SHAPED_VERSION}")
    body = blob[:-CHECKSUM_BYTES]
    if hashlib.sha256(body).digest() != blob[-CHECKSUM_BYTES:]:
        raise misread("its checksum is wrong: damaged or incomplete")
    heads, listed, header = read_header(body[GOLF_HEAD.size : GOLF_HEAD.size + length], version)
    rest, parts = body[GOLF_HEAD.size + length :], {}
    for name, (codec, size, width) in listed.items():
        parts[name] = Part(codec, rest[:size], width)
        if len(parts[name].blob) != size:
            raise misread(f"its {name} are not as long as the header says")
        rest = rest[size:]
    if rest:
        raise misread("more bytes than its header says")
    return heads, parts, header


PARTS = ("integers", "scales", "floats", "codes")
"""In the file's order; codes from version 2 on."""


def read_header(text: bytes, version: int) -> tuple[list[Head], dict[str, tuple[Codec, int, int]], dict[str, Any]]:
    """Tensors, and (codec, bytes, width) of each part, checked one by one; and all that the header says."""
    names = PARTS if version == SHAPED_VERSION else PARTS[:3]
    stream = zlib.decompressobj()
    try:
        content = json.loads(stream.decompress(text, MOST_HEADER_BYTES))
        heads = [read_tensor_head(item, version) for item in content["tensors"]]
        parts = {name: read_part_head(content["parts"][name]) for name in names}
    except (zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise misread(f"a header that cannot be read ({type(error).__name__})") from error
    if not stream.eof or stream.unused_data or len({head.name for head in heads}) < len(heads):
        raise misread("a header that cannot be read (its length, or a name that comes twice)")
    return heads, parts, content


def is_count(value: object, most: int) -> bool:
    """Whether a value of a header is a whole number from 0 to `most`."""
    return type(value) is int and 0 <= value <= most


def read_tensor_head(item: Any, version: int) -> Head:
    """One tensor's entry; ValueError for a strange one."""
    (name, scheme, dtype, shape), steps = (item[:4], item[4:]) if version == SHAPED_VERSION else (item, [])
    known = isinstance(name, str) and scheme in get_args(Scheme) and dtype in FLOAT_DTYPES
    if not known or len(shape) > 8 or not all(is_count(side, 1 << 31) for side in shape):
        raise ValueError(shown(name))
    return Head(name, scheme, dtype, tuple(shape), checked_entry(steps, shape, scheme) if steps else None)


def read_part_head(item: Any) -> tuple[Codec, int, int]:
    """One part's entry; ValueError for a strange one."""
    codec, size, width = item
    if codec not in get_args(Codec) or not is_count(size, 1 << 40) or width not in (0, 1, 2, 4):
        raise ValueError(shown(codec))
    return codec, size, width


def unpacked(part: Part, size: int) -> bytes:
    """A part of exactly `size` bytes."""
    if part.codec == "raw" or not size:
        raw = part.blob
    elif part.codec == "rans":
        raise misread("its floats are coded as integers")
    else:
        raw = decompress(part.blob, part.codec, size)
    if len(raw) != size:
        raise misread("a part is not as long as its tensors")
    return raw


MOST_EMPTY = 4096
"""How large empty tensors may be together, counted as if no side of them were zero."""


def read_golf(blob: bytes, most_elements: int, *, shaped: bool = True) -> dict[str, Stored]:
    """What `write_golf` wrote; ScriptError for a damaged file and for one of more than `most_elements`.

    shaped: whether a file of shaped steps or of a trellis is expected.
    """
    if not shaped and blob.startswith(GOLF_MAGIC + SHAPED_VERSION.to_bytes(2, "little")):
        raise misread("version 2 of golf's format, shaped steps or a trellis, which this script does not expect")
    heads, parts, _ = open_golf(blob)
    weights = sum(prod(head.shape) for head in heads)
    sides = sum(prod(max(1, side) for side in head.shape) for head in heads)  # an empty tensor's sides cost, too
    if weights > most_elements or sides > most_elements + MOST_EMPTY:
        raise misread(f"{weights:,} weights, more than the {most_elements:,} that are expected")
    quantized = [head for head in heads if head.scheme in LEVELS]
    matrices = integer_tensors(parts["integers"], quantized)
    scales = float_tensors(parts["scales"], [head.scales for head in quantized])
    plain = [head for head in heads if head.scheme not in LEVELS]
    floats = float_tensors(parts["floats"], [(head.shape, FLOAT_DTYPES[head.scheme]) for head in plain])
    shapes: list[Any] = [None] * len(quantized)
    if "codes" in parts:
        shapes = read_shapes(parts["codes"].blob, [(head.shape, head.steps) for head in quantized])
    stored = {
        head.name: Stored(head.scheme, values, scale, head.dtype, shaping)
        for head, values, scale, shaping in zip(quantized, matrices, scales, shapes, strict=True)
    }
    stored |= {h.name: Stored(h.scheme, values, None, h.dtype) for h, values in zip(plain, floats, strict=True)}
    return {head.name: stored[head.name] for head in heads}


def integer_tensors(part: Part, heads: Sequence[Head]) -> list[Tensor]:
    """The integers of every quantised tensor: int8, or int32 under `step`."""
    if part.codec == "rans":
        matrices = decode_integers(part.blob, [head.matrix for head in heads])
    else:
        sizes = [prod(head.shape) for head in heads]
        if part.width not in (1, 2, 4):
            raise misread("integers of no width")
        raw = np.frombuffer(unpacked(part, part.width * sum(sizes)), f"<i{part.width}")
        matrices = iter(torch.split(torch.from_numpy(raw.copy()), sizes))
    return [narrowed(matrix, head) for matrix, head in zip(matrices, heads, strict=True)]


def narrowed(values: Tensor, head: Head) -> Tensor:
    """One tensor's integers in the type that its scheme has; ScriptError for magnitudes beyond the scheme's."""
    most = LARGEST_INDEX if head.steps is not None and head.steps[2] else LEVELS[head.scheme]
    if values.numel() and not -most <= int(values.min()) <= int(values.max()) <= most:
        raise misread(f"{shown(head.name)} holds integers beyond {head.scheme}")
    return values.to(torch.int32 if head.scheme == "step" else torch.int8).view(head.shape)


def float_tensors(part: Part, kinds: Sequence[tuple[tuple[int, ...], torch.dtype]]) -> list[Tensor]:
    """Tensors of these shapes and types, one after the other."""
    sizes = [prod(shape) * dtype.itemsize for shape, dtype in kinds]
    raw = bytearray(unpacked(part, sum(sizes)))
    tensors, at = [], 0
    for (shape, dtype), size in zip(kinds, sizes, strict=True):
        flat = torch.frombuffer(raw, dtype=dtype, count=size // dtype.itemsize, offset=at) if size else torch.empty(0)
        tensors.append(flat.to(dtype).clone().view(shape))
        at += size
    return tensors
