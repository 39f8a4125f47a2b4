"""What an artifact consists of, ours or an original's, as JSON: `python -m golf_model.artifact.inspect FILE`.

Needs no job: the format is told by its first bytes. Nothing is unpickled beyond tensors and plain values, nothing is
executed, and unpacking stops at a bound. Not part of any script; the referee runs it in a process of its own, because
the originals' formats need torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from golf_model.artifact.compress import Compressor, decompress
from golf_model.artifact.containers import load_torch, read_baseline, read_pair
from golf_model.artifact.golf_container import GOLF_MAGIC, GOLF_VERSION, open_golf, read_golf
from golf_model.artifact.qgv3 import MAGIC, read_qgv3
from golf_model.artifact.stored import Stored
from golf_model.process.errors import EXIT_USER_ERROR, ScriptError

MOST_FILE_BYTES = 1 << 30
MOST_ELEMENTS = 1 << 28
"""Weights that are looked at, at most."""
MOST_UNPACKED_BYTES = 4 * MOST_ELEMENTS
STREAMS: dict[bytes, Compressor] = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "lzma",
    **dict.fromkeys((b"x\x01", b"x^", b"x\x9c", b"x\xda"), "zlib"),
}
"""First bytes of a compressed stream."""


def entropy(values: Tensor) -> float:
    """Order-0 entropy of integers, bits each."""
    if not values.numel():
        return 0.0
    share = torch.unique(values, return_counts=True)[1].double() / values.numel()
    return float(-(share * share.log2()).sum()) + 0.0


def coded_size(item: Stored) -> int:
    """Bytes of floats as they are; of integers at their entropy, with their scales."""
    if item.scales is None:
        return item.values.numel() * item.values.element_size()
    return round(entropy(item.values) * item.values.numel() / 8) + item.scales.numel() * item.scales.element_size()


def tensor_facts(name: str, item: Stored) -> dict[str, Any]:
    """One tensor for the report."""
    integers = item.scales is not None
    finite = torch.isfinite(item.values if item.scales is None else item.scales).all()
    return {
        "name": name,
        "shape": list(item.values.shape),
        "scheme": item.scheme,
        "dtype": item.dtype,
        "bytes": coded_size(item),
        "entropy": entropy(item.values) if integers else None,
        "least": int(item.values.min()) if integers and item.values.numel() else None,
        "largest": int(item.values.max()) if integers and item.values.numel() else None,
        "step": float(item.scales) if item.scales is not None and not item.scales.ndim else None,
        "finite": bool(finite),
    }


def unwrapped(blob: bytes) -> tuple[str, bytes]:
    """(compressor, what it holds) of an original's file."""
    for magic, compressor in STREAMS.items():
        if blob.startswith(magic):
            return compressor, decompress(blob, compressor, MOST_UNPACKED_BYTES)
    return "none", blob


def read_original(raw: bytes) -> tuple[str, Mapping[str, Stored]]:
    """(container, tensors) of one of the originals' containers."""
    if raw.startswith(MAGIC):
        return "qgv3", read_qgv3(raw)
    if not raw.startswith(b"PK"):
        raise ScriptError("artifact: neither golf's format nor one of the originals' (torch, torch_pair, qgv3)")
    if "__quant_format__" in load_torch(raw):
        return "torch", read_baseline(raw)
    return "torch_pair", read_pair(raw)


def inspect_artifact(blob: bytes) -> dict[str, Any]:
    """Everything there is to say of a file; ScriptError where it is damaged or of no known format."""
    facts: dict[str, Any] = {"bytes": len(blob), "checksum": "none in this format", "parts": []}
    if blob.startswith(GOLF_MAGIC):
        _, parts = open_golf(blob)
        facts |= {"format": f"golf {GOLF_VERSION}", "checksum": "SHA-256 right"}
        facts["parts"] = [[name, part.codec, len(part.blob)] for name, part in parts.items()]
        stored: Mapping[str, Stored] = read_golf(blob, MOST_ELEMENTS)
    else:
        compressor, raw = unwrapped(blob)
        container, stored = read_original(raw)
        facts |= {"format": f"{container}, compressed by {compressor}", "unpacked_bytes": len(raw)}
    return facts | {"tensors": [tensor_facts(name, item) for name, item in stored.items()]}


def main_inspect(arguments: list[str]) -> int:
    """Exit code 0 with JSON on stdout, or 2 with one line on stderr."""
    try:
        with Path(arguments[0]).open("rb") as file:
            blob = file.read(MOST_FILE_BYTES + 1)
        if len(blob) > MOST_FILE_BYTES:
            raise ScriptError(f"artifact: larger than {MOST_FILE_BYTES:,} bytes")
        print(json.dumps(inspect_artifact(blob)))
    except (ScriptError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main_inspect(sys.argv[1:]))
