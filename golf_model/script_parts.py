"""What goes into a configuration's script: its modules, and itself as source. For the bundler; in no script."""

from __future__ import annotations

from dataclasses import fields

from golf_model.config.golf_config import GolfConfig
from golf_model.config.runtime import LONG_SEQUENCE
from golf_model.shapes import wants_plan


def chooses_attention(config: GolfConfig) -> bool:
    """Whether a run on a GPU looks for the fastest kernel: where it compiles, in bfloat16, by torch's own."""
    runtime = config.runtime
    fused = runtime.attention in ("auto", "sdpa") and runtime.device in ("auto", "cuda")
    return fused and runtime.compile != "off" and runtime.precision != "float32"


def unused_modules(config: GolfConfig, *, keep: bool = False) -> frozenset[str]:
    """Names of golf_model's modules that this configuration never calls, so that its script can do without them.

    keep: whether the script is to keep what it packs.

    The bundler puts `left_out` (process/errors.py) in the place of whatever others import from them. A module belongs
    here only if every call of it stands behind the setting that is named.
    """
    model, export = config.model, config.export
    longest = max(config.batch.train_seq_len, config.eval.window_length(config.batch.train_seq_len))
    on_step = config.qat.active != "off" and config.qat.grid == "step"
    planned = wants_plan(export)
    needed = {
        "training.averaging": config.average.kind != "off",
        "network.attn_gate": model.attn_gate.kind != "off",
        "compile_forecast": config.runtime.compile == "auto" and config.runtime.device in ("auto", "cpu"),
        "network.blocked": config.runtime.attention in ("auto", "blocks") and longest >= LONG_SEQUENCE,
        "network.bigram": model.bigram.buckets > 0,
        "network.flash": chooses_attention(config),
        "training.calibration": export.gptq.tokens > 0,
        "artifact.kept": keep,
        "training.checkpoint": config.schedule.checkpoint_every_s > 0,
        "artifact.containers": export.container.startswith("torch"),
        "artifact.fit": export.solves_step or export.solves_factor or on_step,
        "artifact.fit_rows": export.solves_factor,
        "artifact.repairs": export.lqer.rank > 0,
        "quantization.lqer": export.lqer.rank > 0,
        "artifact.golf_container": export.container == "golf",
        "quantization.fisher": export.steps.wants_fisher,
        "quantization.sensitivity": export.steps.are_shaped,
        "quantization.gptq": export.gptq.tokens > 0 or planned,
        "quantization.shaped": planned,
        "quantization.shaping": planned,
        "quantization.step_plan": planned,
        "artifact.step_codes": planned,
        "quantization.trellis": export.rounding == "trellis",
        "quantization.trellis_search": export.rounding == "trellis",
        "training.orders": config.batch.order in ("sequences", "documents"),
        "artifact.qgv3": export.container == "qgv3",
        "network.lanes": model.parallel.kind == "lanes",
        "network.segments": config.batch.documents,
        "network.smear": model.smear != "off",
        "training.step_grid": on_step,
        "scoring.overlap": config.eval.rule not in ("plain", "streaming")
        and longest >= LONG_SEQUENCE
        and config.runtime.device in ("auto", "cpu"),
        "scoring.streaming": config.eval.rule == "streaming",
        "network.xsa": model.xsa_last_n > 0,
    }
    return frozenset(name for name, is_needed in needed.items() if not is_needed)


def config_as_source(value: object, indent: int = 0) -> str:
    """Python source that rebuilds a configuration dataclass, every field written out, deterministic."""
    pad = "    " * (indent + 1)
    lines = [f"{type(value).__name__}("]
    for item in fields(value):  # type: ignore[arg-type]
        child = getattr(value, item.name)
        text = config_as_source(child, indent + 1) if hasattr(child, "__dataclass_fields__") else repr(child)
        lines.append(f"{pad}{item.name}={text},")
    return "\n".join([*lines, "    " * indent + ")"])
