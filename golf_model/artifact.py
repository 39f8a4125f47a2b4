"""The artifact: weights stored under the export rule, in a container, compressed; and back.

Writing is deterministic: the same weights give the same bytes. Reading trusts nothing: decompression stops at the
size that the configuration allows, nothing is unpickled beyond tensors and plain values, and every name, shape,
scheme and type must be the model's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from torch import Tensor

from golf_model.compress import compress, decompress
from golf_model.config import ExportConfig, ModelConfig
from golf_model.containers import read_baseline, read_pair, write_baseline, write_pair
from golf_model.qgv3 import read_qgv3, write_qgv3
from golf_model.shapes import parameter_shapes
from golf_model.stored import Stored, check_stored, payload_size, restore, store

CONTAINER_OVERHEAD = 1 << 20
"""Bytes that a container may hold beside its tensors."""

WRITERS: dict[str, Callable[[Mapping[str, Stored]], bytes]] = {
    "torch": write_baseline,
    "torch_pair": write_pair,
    "qgv3": write_qgv3,
}
READERS: dict[str, Callable[[bytes], dict[str, Stored]]] = {
    "torch": read_baseline,
    "torch_pair": read_pair,
    "qgv3": read_qgv3,
}


@dataclass(frozen=True)
class PackedModel:
    """An artifact and the sizes that the log reports, in bytes."""

    blob: bytes
    payload_bytes: int
    """Integers, scales and floats before the container."""
    raw_bytes: int
    """The container before compression."""
    tensor_bytes: int
    """The weights as they were."""


def pack_model(state: Mapping[str, Tensor], model: ModelConfig, export: ExportConfig) -> PackedModel:
    """Quantise and pack a `state_dict`."""
    stored = store(state, model.num_layers, export)
    raw = WRITERS[export.container](stored)
    return PackedModel(
        blob=compress(raw, export.compressor),
        payload_bytes=payload_size(stored, export),
        raw_bytes=len(raw),
        tensor_bytes=sum(tensor.numel() * tensor.element_size() for tensor in state.values()),
    )


def unpack_model(blob: bytes, model: ModelConfig, export: ExportConfig) -> dict[str, Tensor]:
    """Weights of an artifact that was written for this configuration; ScriptError for anything else."""
    shapes = parameter_shapes(model)
    limit = 4 * sum(prod(shape) for shape in shapes.values()) + 1024 * len(shapes) + CONTAINER_OVERHEAD
    stored = READERS[export.container](decompress(blob, export.compressor, limit))
    check_stored(stored, model, export)
    return restore(stored)
