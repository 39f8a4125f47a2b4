"""The README's section "Model and training": tables taken from the configuration, field by field.

A row names the field that it shows, and what is off is left out. Nothing of somebody else's script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.markdown import Markdown, code, table
from runner.results.record import RecordData

MODEL = (
    ("vocabulary", "model.vocab_size"),
    ("layers", "model.num_layers"),
    ("width", "model.model_dim"),
    ("query heads", "model.num_heads"),
    ("key/value heads", "model.num_kv_heads"),
    ("hidden width of the MLP, as a multiple of the width", "model.mlp_mult"),
    ("activation of the MLP", "model.mlp_activation"),
    ("head tied to the embedding", "model.tie_embeddings"),
    ("base of the rotary frequencies", "model.rope_base"),
    ("dimensions of a head that turn", "model.rope_dims"),
    ("NTK scaling beyond this many tokens", "model.rope_ntk_seq_len"),
    ("soft cap of the logits", "model.logit_softcap"),
    ("query gain at the start", "model.qk_gain_init"),
    ("last layers with exclusive attention", "model.xsa_last_n"),
    ("inputs of deeper layers are smaller", "model.ln_scale"),
    ("gated skips", "model.skip_gates"),
    ("passes of the loop beyond the first", "model.loop.times"),
    ("first layer of the loop", "model.loop.start"),
    ("last layer of the loop", "model.loop.end"),
    ("share of the training at which the loop begins", "model.loop.at"),
    ("attention and MLP side by side", "model.parallel.kind"),
    ("first layer that has them so", "model.parallel.start"),
    ("gate of the attention", "model.attn_gate.kind"),
    ("SmearGate", "model.smear"),
    ("rows of the bigram table", "model.bigram.buckets"),
    ("width of the bigram table", "model.bigram.dim"),
    ("initial matrices", "model.linear_init"),
)
TRAINING = (
    ("optimizer of the matrices", "optim.matrix_optimizer"),
    ("learning rate of the matrices", "optim.matrix_lr"),
    ("learning rate of gains and mixes", "optim.scalar_lr"),
    ("learning rate of the tied embedding", "optim.tied_embed_lr"),
    ("learning rate of the embedding", "optim.embed_lr"),
    ("learning rate of the head", "optim.head_lr"),
    ("Muon momentum", "optim.muon_momentum"),
    ("Muon momentum at the start", "optim.muon_momentum_warmup_start"),
    ("steps until it has risen", "optim.muon_momentum_warmup_steps"),
    ("decay of the matrices", "optim.muon_weight_decay"),
    ("decay of the embedding", "optim.embed_weight_decay"),
    ("decay of everything else", "optim.adam_weight_decay"),
    ("rows of Muon's updates brought to one length", "optim.muon_row_normalise"),
    ("coefficients of Muon's iteration", "optim.muon_coefficients"),
    ("Adam beta, first moment", "optim.beta1"),
    ("Adam beta, second moment", "optim.beta2"),
    ("limit of the gradient's norm", "optim.grad_clip_norm"),
    ("schedule follows", "schedule.kind"),
    ("training stops after, seconds", "schedule.max_wallclock_seconds"),
    ("training stops after, steps", "schedule.iterations"),
    ("steps of the warmdown", "schedule.warmdown_iters"),
    ("share of the training that the warmdown takes", "schedule.warmdown_frac"),
    ("share of the rates that is left at its end", "schedule.warmdown_lr_floor"),
    ("least share of the rates", "schedule.min_lr"),
    ("warm-up steps before the clock, undone", "schedule.warmup_steps"),
    ("tokens per step", "batch.train_batch_tokens"),
    ("tokens per sequence", "batch.train_seq_len"),
    ("order of the tokens", "batch.order"),
    ("documents kept apart", "batch.documents"),
    ("average of the weights", "average.kind"),
    ("fake quantisation", "qat.active"),
    ("fake quantisation from step", "qat.start_step"),
)
ARTIFACT = (
    ("container", "export.container"),
    ("compressor", "export.compressor"),
    ("embedding stored as", "export.embed"),
    ("matrices of the MLPs stored as", "export.mlp"),
    ("matrices of the attention stored as", "export.attn"),
    ("everything else that is quantised", "export.other"),
    ("tokens that GPTQ looks at", "export.gptq.tokens"),
    ("GPTQ of the embedding", "export.gptq.embed"),
    ("rank of low-rank repairs", "export.lqer.rank"),
    ("rounding", "export.rounding"),
    ("states of the trellis", "export.trellis_states"),
    ("step of a matrix", "export.steps.matrices"),
    ("steps of columns", "export.steps.columns"),
    ("steps of rows", "export.steps.rows"),
    ("rule of the final score", "eval.rule"),
    ("tokens of a window", "eval.window"),
    ("targets from window to window", "eval.stride"),
)
TIED = ("optim.tied_embed_lr",)
UNTIED = ("optim.embed_lr", "optim.head_lr")
UNSAID = (None, 0, "off", "default", "std", "gptq", "classic")
"""Values that go without saying."""
SWITCHES = (
    *("model.ln_scale", "model.skip_gates", "optim.muon_row_normalise", "batch.documents"),
    "export.gptq.embed",
)
"""What says nothing where it is off."""
WINDOWED = ("eval.window", "eval.stride")


def model_section(data: RecordData) -> dict[str, Any] | None:
    """The three tables; None where the job has no configuration of ours."""
    config = data.job.get("config")
    if not config:
        return None
    left_out = set(silent_fields(config))
    parts: dict[str, Sequence[tuple[str, str]]] = {"model": MODEL, "training": TRAINING, "artifact": ARTIFACT}
    return {
        "parameters": "" if data.model_params is None else f"{data.model_params:,}",
        **{part: config_table(config, rows, left_out) for part, rows in parts.items()},
    }


def config_table(config: Mapping[str, Any], rows: Sequence[tuple[str, str]], left_out: set[str]) -> Markdown:
    """What, its value, and the field; fields that are off, or that others make meaningless, are left out."""
    shown: list[list[object]] = []
    for title, field in rows:
        value = looked_up(config, field)
        if (value in UNSAID and value is not False) or field in left_out:
            continue
        shown.append([title, shown_value(value), code(field)])
    return table("lrl", ["what", "value", "field"], shown)


def silent_fields(config: Mapping[str, Any]) -> Iterator[str]:
    """Fields that say nothing because of what others say."""
    yield from UNTIED if looked_up(config, "model.tie_embeddings") else TIED
    by_clock = looked_up(config, "schedule.kind") == "wallclock"
    yield "schedule.iterations" if by_clock else "schedule.max_wallclock_seconds"
    if looked_up(config, "export.rounding") != "trellis":
        yield "export.trellis_states"
    yield from (field for field in SWITCHES if not looked_up(config, field))
    if not looked_up(config, "model.loop.times"):
        yield "model.loop.at"
    if looked_up(config, "model.parallel.kind") in (None, "off"):
        yield "model.parallel.start"
    if looked_up(config, "qat.active") == "off":
        yield "qat.start_step"
    if not looked_up(config, "model.bigram.buckets"):
        yield "model.bigram.dim"
    if looked_up(config, "optim.matrix_optimizer") != "muon":
        yield from (field for _, field in TRAINING if field.startswith("optim.muon_"))
    if looked_up(config, "eval.rule") == "plain":
        yield from WINDOWED


def looked_up(config: Mapping[str, Any], field: str) -> Any:
    """The value of a dotted field; None where there is none."""
    value: Any = config
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def shown_value(value: Any) -> str:
    """A value of a job for people: whole numbers with thousands separated, no trailing zeros, yes and no."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,.15g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown_value, value)) or "–"
    return str(value)
