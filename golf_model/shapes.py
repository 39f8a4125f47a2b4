"""Names, shapes and stored schemes of every parameter, from the configuration alone.

The referee plans with this file and has no torch, so it is stdlib only; a test keeps it equal to the
module that torch builds. It knows the order of the originals' `state_dict` and which tensor the artifact
stores how; it does not know values, and says nothing about how well a compressor packs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

from golf_model.config.export import ExportConfig
from golf_model.config.model import ModelConfig

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
GATE_PATTERNS = (
    *("skip_gates", "parallel_post_lambdas", "parallel_resid_lambdas"),
    *("attn_gate_proj", "attn_gate_w", "smear_gate", "smear_lambda"),
)
"""The same of gates and lanes that came later (PRs #1089, #1529, #1667, #1787); in the artifact they are control
tensors where `more_control` names them."""

Scheme = Literal["float32", "float16", "int8", "int7", "int6", "int5", "int4", "step"]
"""How a tensor is stored."""
BITS: dict[Scheme, int] = {"float32": 32, "float16": 16, "int8": 8, "int7": 7, "int6": 6, "int5": 5, "int4": 4}
"""Bits that carry information, per element; `step` has as many as its entropy."""
LEVELS: dict[Scheme, int] = {"int8": 127, "int7": 63, "int6": 31, "int5": 15, "int4": 7, "step": 2**31 - 1}
"""Largest magnitude of the integers of each quantised scheme."""

NARROW = ("embed_proj", "head_proj")
"""First parts of the names of the projections between a narrow embedding and the stream (PR #1394)."""

TensorClass = Literal["embed", "mlp", "attn", "other"]


def control_patterns(export: ExportConfig) -> list[str]:
    """All name parts that mark control tensors in the artifact."""
    return [*CONTROL_PATTERNS, *(part for part in export.more_control.split(",") if part)]


def is_control(name: str, patterns: Sequence[str] = CONTROL_PATTERNS + GATE_PATTERNS) -> bool:
    """Whether a parameter's name marks it as a gain or a mix."""
    return any(pattern in name for pattern in patterns)


def mlp_hidden(model: ModelConfig) -> int:
    """Hidden width of a block's MLP."""
    return int(model.mlp_mult * model.model_dim)


def block_order(model: ModelConfig, *, looped: bool) -> tuple[list[int], list[int]]:
    """(encoder, decoder): the blocks that a token passes, in turn; those of the loop several times where `looped`.

    The first half of the passes feeds skips to the second (PR #1394).
    """
    loop, passes = model.loop, list(range(model.num_layers))
    if looped and loop.times:
        again = passes[loop.start : loop.end + 1] * loop.times
        passes = [*passes[: loop.end + 1], *again, *passes[loop.end + 1 :]]
    half = len(passes) // 2
    return passes[:half], passes[half:]


def skip_rows(model: ModelConfig) -> int:
    """Rows of the skips' weights: as many as decoder passes of the looped order take one up."""
    return min(len(part) for part in block_order(model, looped=True))


def lanes_of(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Parameters of two lanes, which stand before the embedding (PR #1529)."""
    if model.parallel.kind != "lanes":
        return {}
    return {"parallel_post_lambdas": (model.num_layers, 2, 2), "parallel_resid_lambdas": (model.num_layers, 2)}


def gate_shapes(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The attention gate's weight, by its name within a block."""
    gate = model.attn_gate
    if gate.kind == "off":
        return {}
    if gate.kind in ("double", "double_query"):
        return {"attn.attn_gate_proj.weight": (model.num_heads, gate.width)}
    return {"attn.attn_gate_w": (model.num_heads, model.model_dim if gate.kind == "full" else gate.width)}


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
        **gate_shapes(model),
        "attn.c_q.weight": (dim, dim),
        "attn.c_k.weight": (kv_dim, dim),
        "attn.c_v.weight": (kv_dim, dim),
        "attn.proj.weight": (dim, dim),
        "mlp.fc.weight": (hidden, dim),
        "mlp.proj.weight": (dim, hidden),
    }


def parameter_shapes(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every entry of the `state_dict`, in its order."""
    skips, stored = (skip_rows(model), model.model_dim), model.embed_dim or model.model_dim
    shapes: dict[str, tuple[int, ...]] = {"skip_weights": skips}
    if model.skip_gates:
        shapes["skip_gates"] = skips
    shapes |= lanes_of(model)
    if model.smear == "parameter":
        shapes["smear_gate"] = (model.model_dim,)
    if model.smear == "input":
        shapes["smear_lambda"] = (1,)
    shapes["tok_emb.weight"] = (model.vocab_size, stored)
    if model.embed_dim and model.embed_dim != model.model_dim:
        shapes["embed_proj.weight"] = (model.model_dim, stored)
        shapes["head_proj.weight"] = (stored, model.model_dim)
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
    if not model.tie_embeddings:
        shapes["lm_head.weight"] = (model.vocab_size, stored)
    if model.smear == "input":
        shapes["smear_gate.weight"] = (1, model.smear_width)
    if model.bigram.placement == "last":
        shapes |= bigram
    return shapes


def parameter_count(model: ModelConfig) -> int:
    """Number of trained parameters."""
    return sum(prod(shape) for shape in parameter_shapes(model).values())


def tensor_class(name: str) -> TensorClass:
    """The class that an export rule speaks of; the bigram projection counts as attention (PRs #102, #465)."""
    if "tok_emb" in name or "lm_head" in name:
        return "embed"
    if ".mlp." in name:
        return "mlp"
    return "attn" if ".attn." in name or ".proj." in name or name.startswith(NARROW) else "other"


def is_late_key(name: str, num_layers: int, last: int) -> bool:
    """Whether a parameter is the key projection of one of the last `last` blocks."""
    return any(name.startswith(f"blocks.{layer}.attn.c_k.") for layer in range(num_layers - last, num_layers))


def scheme_of(name: str, numel: int, num_layers: int, export: ExportConfig) -> Scheme:
    """How a floating-point tensor of `numel` elements is stored."""
    control = is_control(name, control_patterns(export))
    if numel <= export.passthrough_numel:
        return export.small_control if control else "float16"
    if control:
        return "float32" if export.large_control == "float32" else "int8"
    if is_late_key(name, num_layers, export.late_k_float16):
        return "float16"
    by_class: dict[TensorClass, Scheme] = {
        "embed": export.embed,
        "mlp": export.mlp,
        "attn": export.attn,
        "other": export.other,
    }
    return by_class[tensor_class(name)]


def schemes(model: ModelConfig, export: ExportConfig) -> dict[str, Scheme]:
    """How every parameter is stored, in the order of the `state_dict`."""
    shapes = parameter_shapes(model)
    return {name: scheme_of(name, prod(shape), model.num_layers, export) for name, shape in shapes.items()}


def step_size(name: str, export: ExportConfig) -> float:
    """The step of a tensor stored as `step`, once the configuration's is known; shaped steps start from it."""
    if export.steps.matrices == "one":
        return export.step.size
    factors = {kind: getattr(export.step, kind) for kind in ("embed", "mlp", "attn", "other")}
    return float(export.step.size * factors[tensor_class(name)])


def clip_width(name: str, export: ExportConfig) -> float:
    """k of a tensor whose rows are `sdclip`: its step is k / levels standard deviations."""
    return float(getattr(export.sdclip, tensor_class(name)) * export.sdclip.factor)


def has_row_scales(scheme: Scheme, shape: tuple[int, ...]) -> bool:
    """Whether a quantised tensor has one fp16 scale a row and not one fp32 scale."""
    return len(shape) == 2 and scheme != "step"


def wants_plan(export: ExportConfig) -> bool:
    """Whether steps are shaped or integers belong to a trellis."""
    return export.steps.are_shaped or export.rounding == "trellis"


def is_shaped(scheme: Scheme, shape: tuple[int, ...], export: ExportConfig) -> bool:
    """Whether a tensor's integers may have codes of rows and columns, or a trellis."""
    return scheme == "step" and len(shape) == 2 and wants_plan(export)


def stored_bytes(scheme: Scheme, shape: tuple[int, ...], export: ExportConfig) -> int:
    """Bytes of a stored tensor before the container and the compressor, row scales included.

    Integers count a byte each, but QGv3 packs four of six bits into three. Matrices have one fp16 scale a row, unless
    they are stored as `step`; other quantised tensors have one fp32 scale.
    """
    numel = prod(shape)
    if scheme not in LEVELS:
        return numel * BITS[scheme] // 8
    integers = -(-numel // 4) * 3 if scheme == "int6" and export.container == "qgv3" else numel
    return integers + (2 * shape[0] if has_row_scales(scheme, shape) else 4)


def payload_bytes(model: ModelConfig, export: ExportConfig) -> int:
    """Bytes of all stored tensors before the container and the compressor."""
    shapes = parameter_shapes(model)
    return sum(stored_bytes(scheme, shapes[name], export) for name, scheme in schemes(model, export).items())
