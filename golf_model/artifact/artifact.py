"""The artifact: weights stored under the export rule, in a container, compressed; and back.

Writing is deterministic: the same weights give the same bytes. Reading trusts nothing: decompression stops at the
size that the configuration allows, nothing is unpickled beyond tensors and plain values, and every name, shape,
scheme and type must be the model's. Finding a step that makes it fit is fit.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import cast

from torch import Tensor

from golf_model.artifact.compress import ORIGINAL_WINDOW, Compressor, compress, decompress
from golf_model.artifact.containers import (
    read_baseline,
    read_pair,
    read_shuffled,
    write_baseline,
    write_pair,
    write_shuffled,
)
from golf_model.artifact.golf_container import read_golf, write_golf
from golf_model.artifact.qgv3 import read_qgv3, write_qgv3
from golf_model.artifact.repairs import most_factor_elements, repaired, with_factors, with_repairs
from golf_model.artifact.stored import Stored, check_stored, payload_size, restore, store
from golf_model.config.export import ExportConfig
from golf_model.config.model import ModelConfig
from golf_model.quantization.step_plan import StepPlan, planned_steps
from golf_model.shapes import parameter_shapes, wants_plan

CONTAINER_OVERHEAD = 1 << 20
"""Bytes that a container may hold beside its tensors."""

WRITERS: dict[str, Callable[[Mapping[str, Stored]], bytes]] = {
    "torch": write_baseline,
    "torch_pair": write_pair,
    "torch_shuffled": write_shuffled,
    "qgv3": write_qgv3,
}
"""The originals' containers, which one compressor packs as a whole."""
READERS: dict[str, Callable[[bytes], dict[str, Stored]]] = {
    "torch": read_baseline,
    "torch_pair": read_pair,
    "torch_shuffled": read_shuffled,
    "qgv3": read_qgv3,
}


@dataclass(frozen=True)
class PackedModel:
    """An artifact and the sizes that the log reports, in bytes."""

    blob: bytes
    payload_bytes: int
    """Integers, scales and floats before the container."""
    raw_bytes: int
    """The container before compression; our own is the file itself."""
    tensor_bytes: int
    """The weights as they were."""
    tried: Mapping[str, int] = field(default_factory=dict)
    """Bytes of the integers by each coder of our own container that was measured."""


def pack_model(
    state: Mapping[str, Tensor],
    model: ModelConfig,
    export: ExportConfig,
    hessians: Mapping[str, Tensor] | None = None,
    plan: StepPlan | None = None,
) -> PackedModel:
    """Quantise and pack a `state_dict` under an export rule whose step, if it needs one, is known.

    hessians: of the layers whose matrices are rounded in turn; plan: of shaped steps, made from the Hessians alone
    where there is none. ScriptError for weights that are no finite numbers.
    """
    if plan is None and wants_plan(export):
        plan = planned_steps(state, model.num_layers, export, hessians)
    stored = store(state, model.num_layers, export, hessians, plan)
    tried: dict[str, int] = {}
    if export.lqer.rank:
        stored = with_factors(repaired(stored, state, export))
    if export.container == "golf":
        blob, tried = write_golf(stored, export.compressor, plan.saved if plan is not None else None)
        raw_bytes = len(blob)
    else:
        raw = WRITERS[export.container](stored)
        blob, raw_bytes = compress(raw, cast("Compressor", export.compressor), window=ORIGINAL_WINDOW), len(raw)
    return PackedModel(
        blob=blob,
        payload_bytes=payload_size(stored, export),
        raw_bytes=raw_bytes,
        tensor_bytes=sum(tensor.numel() * tensor.element_size() for tensor in state.values()),
        tried=tried,
    )


def unpack_model(blob: bytes, model: ModelConfig, export: ExportConfig) -> dict[str, Tensor]:
    """Weights of an artifact that was written for this configuration; ScriptError for anything else."""
    shapes = parameter_shapes(model)
    elements = sum(prod(shape) for shape in shapes.values())
    if export.container == "golf":
        most = elements + (most_factor_elements(model, export) if export.lqer.rank else 0)
        stored = read_golf(blob, most, shaped=wants_plan(export))
        if export.lqer.rank:
            stored = with_repairs(stored, export)
    else:
        limit = 4 * elements + 1024 * len(shapes) + CONTAINER_OVERHEAD
        stored = READERS[export.container](decompress(blob, cast("Compressor", export.compressor), limit))
    check_stored(stored, model, export)
    return restore(stored)
