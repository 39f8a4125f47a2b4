"""The artifact of the official baseline: int8 rows in a torch container, packed with zlib 9.

Writing is deterministic. Reading trusts nothing: decompression stops at the size that the configuration
allows, the container may hold only stored (not deflated) entries, `torch.load` runs with weights_only, and
names, shapes and types must be the model's. Other formats are not read here.
"""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from golf_model.config import ExportConfig, ModelConfig
from golf_model.errors import ScriptError
from golf_model.quantize import dequantize_int8, quantize_int8
from golf_model.shapes import control_patterns, is_control, parameter_shapes

ARTIFACT_NAME = "final_model.int8.ptz"
QUANT_FORMAT = "int8_clean_per_row_v1"
CONTAINER_OVERHEAD = 1 << 20
"""Bytes that a container may hold beside its tensors."""
FLOAT_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class PackedModel:
    """An artifact and the sizes that the log reports, in bytes."""

    blob: bytes
    payload_bytes: int
    """Integers, scales and floats before the container."""
    raw_bytes: int
    """The container before zlib."""
    tensor_bytes: int
    """The weights as they were."""


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` for torch.float32."""
    return str(dtype).removeprefix("torch.")


def bytes_of(tensor: Tensor) -> int:
    """Bytes of a tensor's elements."""
    return tensor.numel() * tensor.element_size()


def quantize_state(state: Mapping[str, Tensor], export: ExportConfig) -> dict[str, Any]:
    """The container's content: int8 above `passthrough_numel` elements, else fp32 (control names) or fp16."""
    patterns = control_patterns(export)
    quantized: dict[str, Tensor] = {}
    scales: dict[str, Tensor] = {}
    dtypes: dict[str, str] = {}
    passthrough: dict[str, Tensor] = {}
    original: dict[str, str] = {}
    per_row: dict[str, dict[str, Any]] = {}
    for name, value in state.items():
        tensor = value.detach().cpu().contiguous()
        if not tensor.is_floating_point():
            passthrough[name] = tensor
        elif tensor.numel() > export.passthrough_numel:
            quantized[name], scales[name] = quantize_int8(tensor)
            dtypes[name] = dtype_name(tensor.dtype)
            if scales[name].ndim:
                per_row[name] = {"scheme": "per_row", "axis": 0}
        elif is_control(name, patterns):
            passthrough[name] = tensor.float()
        else:
            original[name] = dtype_name(tensor.dtype)
            passthrough[name] = tensor.to(torch.float16)
    content: dict[str, Any] = {
        "__quant_format__": QUANT_FORMAT,
        "quantized": quantized,
        "scales": scales,
        "dtypes": dtypes,
        "passthrough": passthrough,
    }
    if per_row:
        content["qmeta"] = per_row
    if original:
        content["passthrough_orig_dtypes"] = original
    return content


def payload_size(content: Mapping[str, Any]) -> int:
    """Bytes of a container's tensors."""
    return sum(bytes_of(t) for part in ("quantized", "scales", "passthrough") for t in content[part].values())


def dequantize_state(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights from a container's content, in their original dtypes (control tensors fp32)."""
    state = {
        name: dequantize_int8(integers, content["scales"][name], FLOAT_DTYPES[content["dtypes"][name]])
        for name, integers in content["quantized"].items()
    }
    original = content.get("passthrough_orig_dtypes", {})
    for name, tensor in content["passthrough"].items():
        state[name] = tensor.to(FLOAT_DTYPES[original[name]]) if name in original else tensor
    return state


def pack_model(state: Mapping[str, Tensor], export: ExportConfig) -> PackedModel:
    """Quantise and pack a `state_dict`; the same weights give the same bytes."""
    content = quantize_state(state, export)
    buffer = io.BytesIO()  # torch names the archive inside after the file; in memory it is always the same
    torch.save(content, buffer)
    raw = buffer.getvalue()
    return PackedModel(
        blob=zlib.compress(raw, 9),
        payload_bytes=payload_size(content),
        raw_bytes=len(raw),
        tensor_bytes=sum(bytes_of(tensor) for tensor in state.values()),
    )


def inflate_bounded(blob: bytes, limit: int) -> bytes:
    """zlib-decompress at most `limit` bytes; ScriptError for more, or for anything that is not one whole stream."""
    decoder = zlib.decompressobj()
    try:
        raw = decoder.decompress(blob, limit)
    except zlib.error as error:
        raise ScriptError(f"artifact: not zlib data ({error})") from error
    if not decoder.eof or decoder.unused_data:
        raise ScriptError(f"artifact: truncated, followed by other data, or larger than {limit} bytes unpacked")
    return raw


def load_container(raw: bytes) -> dict[str, Any]:
    """torch.load of tensors, strings and dicts only, from an archive whose entries are stored, not deflated."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ScriptError("artifact: compressed entries inside the container are refused")
        content = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ScriptError(f"artifact: not a container of tensors ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict) or content.get("__quant_format__") != QUANT_FORMAT:
        raise ScriptError(f"artifact: not in format {QUANT_FORMAT}")
    return content


def check_content(content: Mapping[str, Any], model: ModelConfig) -> None:
    """ScriptError unless the container holds exactly the model's tensors in types that decode."""
    parts = {part: content.get(part) for part in ("quantized", "scales", "dtypes", "passthrough")}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise ScriptError("artifact: parts that do not fit this format")
    quantized, scales, dtypes, passthrough = (dict(part or {}) for part in parts.values())
    expected = parameter_shapes(model)
    wrong = expected.keys() ^ (quantized.keys() | passthrough.keys())
    for name, tensor in [*quantized.items(), *passthrough.items()]:
        if not isinstance(tensor, Tensor) or tuple(tensor.shape) != expected.get(name):
            wrong.add(name)
    for name, tensor in quantized.items():
        scale = scales.get(name)
        fits = isinstance(scale, Tensor) and tuple(scale.shape) in ((), expected.get(name, ())[:1])
        if name in wrong or tensor.dtype != torch.int8 or not fits or dtypes.get(name) not in FLOAT_DTYPES:
            wrong.add(name)
    if wrong:
        raise ScriptError(f"artifact: tensors that do not fit this script's model: {', '.join(sorted(wrong)[:5])}")


def unpack_model(blob: bytes, model: ModelConfig) -> dict[str, Tensor]:
    """Weights of an artifact that was written for `model`; ScriptError for anything else."""
    shapes = parameter_shapes(model)
    limit = 4 * sum(prod(shape) for shape in shapes.values()) + 1024 * len(shapes) + CONTAINER_OVERHEAD
    content = load_container(inflate_bounded(blob, limit))
    check_content(content, model)
    return dequantize_state(content)
