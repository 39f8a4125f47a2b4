"""QGv3, the container of PR #160: a struct, a JSON header, and three blobs of raw bytes. No pickle.

Header: magic and four little-endian uint32 lengths (header, integers, scales, floats), then the JSON with sorted
keys and no spaces, then the blobs. In each blob tensors follow one another sorted by name, C order, no padding;
offsets count from the blob's start. Six-bit integers are packed (bitpack.py), eight-bit ones are not. PR #160 has no
five-bit scheme; here such integers are stored as eight-bit ones are. Reading checks that every byte belongs to one
tensor, and that all parts of the header name the same ones.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from golf_model.artifact.bitpack import pack_six, unpack_six
from golf_model.artifact.stored import Stored, shown
from golf_model.process.errors import ScriptError
from golf_model.shapes import BITS, LEVELS, Scheme

MAGIC = b"QGv3"
HEAD = struct.Struct("<4sIIII")
FORMAT = "clean_per_row_symmetric_int6_v2"
STORED_DTYPES = {"float32": torch.float32, "float16": torch.float16, "int8": torch.int8, "uint8": torch.uint8}
SCHEMES = {BITS[scheme]: scheme for scheme in LEVELS if scheme in BITS}


def write_qgv3(stored: Mapping[str, Stored]) -> bytes:
    """The container's bytes; the same weights give the same bytes."""
    quantized = {name: item for name, item in stored.items() if item.scales is not None}
    floats = {name: item for name, item in stored.items() if item.scales is None}
    integers = {name: pack_six(i.values) if i.scheme == "int6" else i.values for name, i in quantized.items()}
    scales = {name: item.scales for name, item in quantized.items() if item.scales is not None}
    sections = {
        "quantized": lay_out(integers),
        "scales": lay_out(scales),
        "passthrough": lay_out({name: item.values for name, item in floats.items()}),
    }
    header = {
        "format": FORMAT,
        "dtypes": {name: item.dtype for name, item in quantized.items()},
        "qmeta": {name: qgv3_row(item) for name, item in quantized.items()},
        "passthrough_orig_dtypes": {name: i.dtype for name, i in floats.items() if i.scheme == "float16"},
        **{name: places for name, (places, _) in sections.items()},
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode("utf-8")
    blobs = [blob for _, blob in sections.values()]
    return HEAD.pack(MAGIC, len(text), *map(len, blobs)) + text + b"".join(blobs)


def qgv3_row(item: Stored) -> dict[str, Any]:
    """What the header says about a quantised weight; the shape only where the stored tensor has lost it."""
    kind: dict[str, Any] = {"scheme": "per_row", "axis": 0, "bits": BITS[item.scheme], "packed": False}
    if item.scheme == "int6":
        kind |= {"packed": True, "shape": list(item.values.shape)}
    return kind


def lay_out(tensors: Mapping[str, Tensor]) -> tuple[dict[str, dict[str, Any]], bytes]:
    """(where each tensor lies, the blob)."""
    places: dict[str, dict[str, Any]] = {}
    blob = bytearray()
    for name in sorted(tensors):
        tensor = tensors[name]
        data = tensor.contiguous().numpy().tobytes()
        dtype = str(tensor.dtype).removeprefix("torch.")
        places[name] = {"dtype": dtype, "shape": list(tensor.shape), "offset": len(blob), "nbytes": len(data)}
        blob += data
    return places, bytes(blob)


def read_qgv3(raw: bytes) -> dict[str, Stored]:
    """What `write_qgv3` wrote; ScriptError for anything that is not exactly that form."""
    if len(raw) < HEAD.size or raw[:4] != MAGIC:
        raise ScriptError("artifact: not a QGv3 container")
    _, *lengths = HEAD.unpack_from(raw)
    if HEAD.size + sum(lengths) != len(raw):
        raise ScriptError(f"artifact: QGv3 lengths {lengths} do not add up to its {len(raw)} bytes")
    parts, at = [], HEAD.size
    for length in lengths:
        parts.append(raw[at : at + length])
        at += length
    try:
        header = json.loads(parts[0])
        if header["format"] != FORMAT:
            raise ValueError(f"not in format {FORMAT}")
        integers, scales, floats = (
            pick_up(header[name], blob)
            for name, blob in zip(("quantized", "scales", "passthrough"), parts[1:], strict=True)
        )
        dtypes, original, kinds = header["dtypes"], header["passthrough_orig_dtypes"], header["qmeta"]
        if not integers.keys() == scales.keys() == dtypes.keys() == kinds.keys() or integers.keys() & floats.keys():
            raise ValueError("its parts name different tensors")
        stored: dict[str, Stored] = {}
        for name, values in integers.items():
            scheme = SCHEMES[kinds[name]["bits"]]
            if kinds[name]["packed"] is not (scheme == "int6"):
                raise ValueError(f"{shown(name)} is packed or not against its scheme")
            if scheme == "int6":
                values = unpack_six(values, tuple(int(side) for side in kinds[name]["shape"]))
            stored[name] = Stored(scheme, values, scales[name], str(dtypes[name]))
        for name, values in floats.items():
            kept: Scheme = "float16" if values.dtype == torch.float16 else "float32"
            stored[name] = Stored(kept, values, None, str(original.get(name, kept)))
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RuntimeError) as error:
        raise ScriptError(f"artifact: a QGv3 header that does not fit its data ({error})") from error
    return stored


def pick_up(places: Mapping[str, Mapping[str, Any]], blob: bytes) -> dict[str, Tensor]:
    """The tensors of a blob; ValueError unless they cover it exactly, in the order of their names."""
    tensors, at = {}, 0
    for name in sorted(places):
        place = places[name]
        dtype, shape = STORED_DTYPES[place["dtype"]], [int(side) for side in place["shape"]]
        size = prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or (place["offset"], place["nbytes"]) != (at, size) or at + size > len(blob):
            raise ValueError(f"{shown(name)} does not lie where it should")
        piece = bytearray(blob[at : at + size])
        tensors[name] = torch.frombuffer(piece, dtype=dtype).view(shape) if size else torch.empty(shape, dtype=dtype)
        at += size
    if at != len(blob):
        raise ValueError(f"{len(blob) - at} bytes belong to no tensor")
    return tensors
