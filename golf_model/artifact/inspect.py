"""What an artifact consists of, ours or an original's, as plain data.

Needs no job: the format is told by its first bytes. Nothing is unpickled beyond tensors and plain values, nothing is
executed, and unpacking stops at a bound. Not part of any script; the referee runs it in a process of its own
(inspect_file.py), because the originals' formats need torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golf_model.artifact.compress import states_size
from golf_model.artifact.containers import SHUFFLE_MAGIC, load_torch, read_baseline, read_pair, unshuffled
from golf_model.artifact.first_look import MOST_ELEMENTS, unwrapped
from golf_model.artifact.golf_container import GOLF_MAGIC, open_golf, read_golf
from golf_model.artifact.qgv3 import MAGIC, read_qgv3
from golf_model.artifact.stored import Stored
from golf_model.process.errors import ScriptError
from golf_model.quantization.shaping import PER_STEP_OCTAVE

MOST_BITS = 64.0
"""A weight, that a file may say to have saved."""


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
        "states": item.shaping.states if item.shaping is not None else 0,
        "row_octaves": octaves(item.shaping.rows) if item.shaping is not None else None,
        "column_octaves": octaves(item.shaping.columns) if item.shaping is not None else None,
    }


def octaves(codes: Tensor | None) -> list[float] | None:
    """Least and largest of the codes of steps, in octaves; None where there are none."""
    if codes is None or not codes.numel():
        return None
    return [float(codes.min()) / PER_STEP_OCTAVE, float(codes.max()) / PER_STEP_OCTAVE]


def read_saved(header: Mapping[str, Any]) -> dict[str, float]:
    """Bits a weight that shaped steps were predicted to save, as the file says; ScriptError for strange ones."""
    found = header.get("saved", {})
    known = isinstance(found, dict) and found.keys() <= {"total", "rows", "columns", "matrices"}
    if not known or not all(type(bits) is float and abs(bits) < MOST_BITS for bits in found.values()):
        raise ScriptError("artifact: its header says of savings what cannot be")
    return dict(found)


def read_original(raw: bytes) -> tuple[str, Mapping[str, Stored]]:
    """(container, tensors) of one of the originals' containers."""
    if raw.startswith(MAGIC):
        return "qgv3", read_qgv3(raw)
    shuffled = raw.startswith(SHUFFLE_MAGIC)
    raw = unshuffled(raw) if shuffled else raw
    if not raw.startswith(b"PK"):
        raise ScriptError("artifact: neither golf's format nor one of the originals' (torch, torch_pair, qgv3)")
    if "__quant_format__" in load_torch(raw):
        return "torch", read_baseline(raw)
    return "torch_shuffled" if shuffled else "torch_pair", read_pair(raw)


def inspect_artifact(blob: bytes) -> dict[str, Any]:
    """Everything there is to say of a file; ScriptError where it is damaged or of no known format."""
    facts: dict[str, Any] = {"bytes": len(blob), "checksum": "none in this format", "parts": []}
    if blob.startswith(GOLF_MAGIC):
        _, parts, header = open_golf(blob)
        version = int.from_bytes(blob[4:6], "little")
        facts |= {"format": f"golf {version}", "checksum": "SHA-256 right", "saved": read_saved(header)}
        facts["parts"] = [[name, part.codec, len(part.blob)] for name, part in parts.items()]
        stored: Mapping[str, Stored] = read_golf(blob, MOST_ELEMENTS)
    else:
        compressor, raw = unwrapped(blob)
        container, stored = read_original(raw)
        told = " (its frame does not state its size)" if compressor == "zstd" and not states_size(blob) else ""
        facts |= {"format": f"{container}, compressed by {compressor}{told}", "unpacked_bytes": len(raw)}
    return facts | {"tensors": [tensor_facts(name, item) for name, item in stored.items()]}
