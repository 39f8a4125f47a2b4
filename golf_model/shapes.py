"""Names, shapes and stored classes of every parameter, from the configuration alone.

The referee plans with this file and has no torch, so it is stdlib only; a test keeps it equal to the
module that torch builds. It knows the order of the originals' `state_dict` and the export rule by
size; it does not know values, and says nothing about how well zlib packs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from golf_model.config import ExportConfig, ModelConfig

CONTROL_PATTERNS = (
    "attn_scale",
    "attn_scales",
    "mlp_scale",
    "mlp_scales",
    "resid_mix",
    "resid_mixes",
    "q_gain",
    "skip_weight",
    "skip_weights",
)
"""Parts of names that mark gains and mixes: kept in fp32, trained by Adam (official baseline)."""


def control_patterns(export: ExportConfig) -> list[str]:
    """All name parts that mark control tensors in the artifact."""
    return [*CONTROL_PATTERNS, *(part for part in export.more_control.split(",") if part)]


def is_control(name: str, patterns: Sequence[str] = CONTROL_PATTERNS) -> bool:
    """Whether a parameter's name marks it as a gain or a mix."""
    return any(pattern in name for pattern in patterns)


def mlp_hidden(model: ModelConfig) -> int:
    """Hidden width of a block's MLP."""
    return int(model.mlp_mult * model.model_dim)


def block_shapes(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shapes of one transformer block's parameters, by name within the block."""
    dim = model.model_dim
    kv_dim = model.num_kv_heads * (dim // model.num_heads)
    hidden = mlp_hidden(model)
    return {
        "attn_scale": (dim,),
        "mlp_scale": (dim,),
        "resid_mix": (2, dim),
        "attn.q_gain": (model.num_heads,),
        "attn.c_q.weight": (dim, dim),
        "attn.c_k.weight": (kv_dim, dim),
        "attn.c_v.weight": (kv_dim, dim),
        "attn.proj.weight": (dim, dim),
        "mlp.fc.weight": (hidden, dim),
        "mlp.proj.weight": (dim, hidden),
    }


def parameter_shapes(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every entry of the `state_dict`, in its order."""
    encoder = model.num_layers // 2
    shapes: dict[str, tuple[int, ...]] = {
        "skip_weights": (min(encoder, model.num_layers - encoder), model.model_dim),
    }
    if model.smear == "parameter":
        shapes["smear_gate"] = (model.model_dim,)
    shapes["tok_emb.weight"] = (model.vocab_size, model.model_dim)
    bigram: dict[str, tuple[int, ...]] = {}
    if model.bigram.buckets:
        bigram = {
            "bigram.scale": (),
            "bigram.embed.weight": (model.bigram.buckets, model.bigram.dim),
            "bigram.proj.weight": (model.model_dim, model.bigram.dim),
        }
    if model.bigram.placement == "before_blocks":
        shapes |= bigram
    if model.smear == "module":
        shapes["smear.gate"] = (model.model_dim,)
    for layer in range(model.num_layers):
        shapes |= {f"blocks.{layer}.{name}": shape for name, shape in block_shapes(model).items()}
    if model.bigram.placement == "last":
        shapes |= bigram
    return shapes


def parameter_count(model: ModelConfig) -> int:
    """Number of trained parameters."""
    return sum(prod(shape) for shape in parameter_shapes(model).values())


@dataclass(frozen=True)
class StoredElements:
    """How many elements of a model are stored as what, under the export rule."""

    int8: int
    """Quantised to one byte each."""
    float16: int
    """Small tensors and row scales: two bytes each."""
    float32: int
    """Gains, mixes and per-tensor scales: four bytes each."""

    @property
    def payload_bytes(self) -> int:
        """Bytes of all tensors before the container and zlib."""
        return self.int8 + 2 * self.float16 + 4 * self.float32


def stored_elements(model: ModelConfig, export: ExportConfig) -> StoredElements:
    """Count elements by stored type: int8 above `passthrough_numel`, else fp32 for control names, else fp16."""
    int8 = float16 = float32 = 0
    patterns = control_patterns(export)
    for name, shape in parameter_shapes(model).items():
        numel = prod(shape)
        if numel > export.passthrough_numel:
            int8 += numel
            if len(shape) == 2:
                float16 += shape[0]
            else:
                float32 += 1
        elif is_control(name, patterns):
            float32 += numel
        else:
            float16 += numel
    return StoredElements(int8, float16, float32)
