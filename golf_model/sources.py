"""Where the techniques of a configuration come from: the sources that its fields name, as data.

The fields' docstrings say the same to people; a test keeps the two alike. Stdlib only and in no script: the referee
reads it for the record's attributions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from golf_model.config.golf_config import GolfConfig

OFFICIAL = "official baseline"


def always(config: GolfConfig) -> bool:
    """No condition."""
    return True


def quantises_in_training(config: GolfConfig) -> bool:
    """Fake quantisation is on."""
    return config.qat.active != "off"


def has_bigram(config: GolfConfig) -> bool:
    """There is a bigram table."""
    return config.model.bigram.buckets > 0


def samples_weights(config: GolfConfig) -> bool:
    """SWA is on."""
    return config.average.kind == "swa"


def on_step(config: GolfConfig) -> bool:
    """Something lies on a grid whose step is solved for or said."""
    export = config.export
    return "step" in (export.embed, export.mlp, export.attn, export.other)


def below_eight_bits(config: GolfConfig) -> bool:
    """Some matrices are stored by row scales below eight bits, or all of them by another rule."""
    return config.export.rows == "sdclip" or bool(
        {config.export.embed, config.export.mlp, config.export.attn} & {"int7", "int6", "int5", "int4"}
    )


def gates_attention(config: GolfConfig) -> bool:
    """There is a gate on the attention."""
    return config.model.attn_gate.kind != "off"


def stands_side_by_side(config: GolfConfig) -> bool:
    """Late blocks are on two lanes."""
    return config.model.parallel.kind == "lanes"


def tapers_decay(config: GolfConfig) -> bool:
    """Muon's decay falls towards the end."""
    return config.optim.muon_decay_taper.start < 1.0


def smears_embeddings(config: GolfConfig) -> bool:
    """The smear looks at the embedding itself."""
    return config.model.smear == "input"


def by_deviation(config: GolfConfig) -> bool:
    """Row scales follow the standard deviation."""
    return config.export.rows == "sdclip"


def originals_container(config: GolfConfig) -> bool:
    """The artifact has an original's format, not ours."""
    return config.export.container != "golf"


@dataclasses.dataclass(frozen=True)
class Technique:
    """One field that turns something on, and who did it first or how."""

    title: str
    field: str
    """Dotted name below the configuration."""
    sources: Mapping[Any, str] = dataclasses.field(default_factory=dict)
    """Value -> source."""
    wherever_on: str = ""
    """Source of every value that is not 0, empty or false."""
    applies: Callable[[GolfConfig], bool] = always
    """Whether the field has an effect at all."""

    def source(self, value: Any) -> str:
        """Of this value; '' where it is off, or nobody's."""
        return self.sources.get(value, self.wherever_on if value else "")


TECHNIQUES = (
    Technique("BigramHash", "model.bigram.buckets", wherever_on="PR #102"),
    Technique("bigram table in bfloat16", "model.bigram.embed_dtype", {"bfloat16": "PR #465"}, applies=has_bigram),
    Technique(
        "place of the bigram table",
        "model.bigram.placement",
        {"before_blocks": "PRs #102, #465", "last": "PR #372"},
        applies=has_bigram,
    ),
    Technique("activation of the MLP", "model.mlp_activation", {"relu2": OFFICIAL, "leaky_relu2": "PR #1606"}),
    Technique(
        "fractional width of the MLP",
        "model.mlp_mult",
        wherever_on="PR #102",
        applies=lambda config: config.model.mlp_mult % 1 != 0,
    ),
    Technique("rounded rotary frequencies", "model.rope_table", {"bfloat16_frequencies": "PR #160"}),
    Technique("NTK scaling", "model.rope_ntk_seq_len", wherever_on="PR #160"),
    Technique("exclusive attention (XSA)", "model.xsa_last_n", wherever_on="PR #372"),
    Technique("SmearGate", "model.smear", {"module": "PRs #102, #465", "parameter": "PR #372", "input": "PR #1667"}),
    Technique("begin of a document left alone", "model.smear_bos", wherever_on="PR #1851", applies=smears_embeddings),
    Technique("partial rotation", "model.rope_dims", wherever_on="PR #315"),
    Technique("smaller inputs of deeper blocks", "model.ln_scale", wherever_on="PR #315"),
    Technique("gated skips", "model.skip_gates", wherever_on="PR #1089"),
    Technique("looped blocks", "model.loop.times", wherever_on="PRs #1204, #1394"),
    Technique("parallel attention and MLP", "model.parallel.kind", {"simple": "PR #1412", "lanes": "PR #1529"}),
    Technique(
        "what leaves the lanes",
        "model.parallel.final",
        dict.fromkeys(("mean", "mlp", "attn"), "PR #1529"),
        applies=stands_side_by_side,
    ),
    Technique(
        "attention gate",
        "model.attn_gate.kind",
        {"window": "PR #1787", "double": "PR #1667", "double_query": "PR #1667", "full": "PR #1736"},
    ),
    Technique("scale inside the attention gate", "model.attn_gate.scale", {0.5: "PR #1855"}, applies=gates_attention),
    Technique("random gates at first", "model.attn_gate.init_std", wherever_on="PR #1736", applies=gates_attention),
    Technique("narrow embedding", "model.embed_dim", wherever_on="PR #1394"),
    Technique("orthogonal initial matrices", "model.linear_init", {"orthogonal": "PR #102"}),
    Technique("norm epsilon of the activations' precision", "model.norm_eps", {"compute": "PR #465"}),
    Technique("Muon", "optim.matrix_optimizer", {"muon": OFFICIAL}),
    Technique(
        "order of Muon's decay",
        "optim.muon_decay_order",
        {"before": "PR #465", "after": "PR #372"},
        applies=lambda config: config.optim.muon_weight_decay > 0,
    ),
    Technique(
        "normalised rows of Muon's updates",
        "optim.muon_row_normalise",
        wherever_on="PR #1217, arXiv 2603.28254",
    ),
    Technique(
        "coefficients of the orthogonalisation",
        "optim.muon_coefficients",
        {"polar_express": "Polar Express, arXiv 2505.16932; PRs #1344, #1787"},
    ),
    Technique("tapered decay", "optim.muon_decay_taper.start", wherever_on="PR #1729", applies=tapers_decay),
    Technique("decay of the embedding", "optim.embed_weight_decay", wherever_on="PR #1218"),
    Technique("decoupled decay (AdamW)", "optim.adam_weight_decay", wherever_on="PRs #102, #465"),
    Technique("floor of the learning rate", "schedule.warmdown_lr_floor", wherever_on="PR #372"),
    Technique("warmdown by share of the training", "schedule.warmdown_frac", wherever_on="PR #1218"),
    Technique("least rate of the warmdown", "schedule.min_lr", wherever_on="PR #1787"),
    Technique("order of the training tokens", "batch.order", {"sequences": "PR #1394", "documents": "PR #1530"}),
    Technique("documents kept apart", "batch.documents", wherever_on="PR #1530"),
    Technique("averaged weights", "average.kind", {"ema": "PRs #372, #1606", "swa": "PR #465"}),
    Technique("start of the samples", "average.swa_start_multiplier", wherever_on="PR #465", applies=samples_weights),
    Technique("steps between samples", "average.swa_every", wherever_on="PR #465", applies=samples_weights),
    Technique("sums in bfloat16", "average.swa_sum", {"native": "PR #465"}, applies=samples_weights),
    Technique(
        "fake quantisation",
        "qat.active",
        {"training": "PRs #102, #1606", "until_export": "PR #160", "always": "PR #372"},
    ),
    Technique("late fake quantisation", "qat.start_step", wherever_on="PR #160", applies=quantises_in_training),
    Technique("five bits for the MLP", "qat.mlp_bits", {5: "PR #372"}, applies=quantises_in_training),
    Technique(
        "grid of fake quantisation",
        "qat.grid",
        {"amax": "PR #102", "amax_floor": "PR #372", "unit_floor": "PRs #160, #1606"},
        applies=quantises_in_training,
    ),
    Technique(
        "precision of fake quantisation",
        "qat.precision",
        {"float32": "PRs #160, #372", "compute": "PR #102", "mixed": "PR #1606"},
        applies=quantises_in_training,
    ),
    Technique("small matrices left alone", "qat.min_numel", wherever_on="PR #372", applies=quantises_in_training),
    Technique("late keys left alone", "qat.late_k", wherever_on="PRs #160, #372", applies=quantises_in_training),
    Technique(
        "scoring windows",
        "eval.rule",
        {
            "last_stride": "PR #102",
            "last_stride_short": "PR #372",
            "exact_tail": "PR #160",
            "repeated_tail": "PR #465",
            "short_tail": "PR #1394",
        },
    ),
    Technique("windows to the last target", "eval.keep_tail", wherever_on="PR #160"),
    Technique("sums of the score in float32", "eval.sums", {"float32": "PR #465"}),
    Technique("bytes of the original by sidecar", "eval.byte_sidecar", wherever_on="PR #1729"),
    Technique("GPTQ", "export.gptq.tokens", wherever_on="arXiv 2210.17323"),
    Technique("GPTQ of the embedding", "export.gptq.embed", wherever_on="PR #1394"),
    Technique("unseen columns set to zero", "export.gptq.zero_dead", wherever_on="PR #1394"),
    Technique("low-rank repair (LQER)", "export.lqer.rank", wherever_on="arXiv 2402.02446, PR #1797"),
    Technique(
        "width of the embedding's rows",
        "export.sdclip.embed",
        {20.0: "PRs #1394, #1586"},
        applies=by_deviation,
    ),
    Technique(
        "trellis-coded rounding",
        "export.rounding",
        {"trellis": "Marcellin and Fischer 1990; dependent quantisation of VVC; trellises of Ungerboeck 1982"},
        applies=on_step,
    ),
    Technique(
        "step of a matrix by predicted loss",
        "export.steps.matrices",
        {"predicted": "Kronecker-factored curvature, arXiv 1503.05671"},
        applies=on_step,
    ),
    Technique(
        "steps of columns by what the layer sees",
        "export.steps.columns",
        {"hessian": "Kronecker-factored curvature, arXiv 1503.05671", "cholesky": "GPTQ, arXiv 2210.17323"},
        applies=on_step,
    ),
    Technique(
        "steps of rows by Fisher information",
        "export.steps.rows",
        {"fisher": "Kronecker-factored curvature, arXiv 1503.05671"},
        applies=on_step,
    ),
    Technique(
        "container of the artifact",
        "export.container",
        {
            "torch": f"{OFFICIAL}, PRs #372, #1606",
            "torch_pair": "PRs #102, #465",
            "torch_shuffled": "PR #1394",
            "qgv3": "PR #160",
        },
    ),
    Technique(
        "compressor of the artifact",
        "export.compressor",
        {"zlib": OFFICIAL, "lzma": "PR #160", "zstd": "PRs #102, #372, #465", "brotli": "PR #1394"},
        applies=originals_container,
    ),
    Technique("bits of the embedding", "export.embed", {"float16": "PRs #102, #372, #465", "int7": "PR #1586"}),
    Technique("bits of the MLPs", "export.mlp", {"int6": "PRs #102, #160, #1394", "int5": "PRs #372, #465"}),
    Technique("bits of the attention", "export.attn", {"int6": "PRs #102, #160, #372, #465, #1394"}),
    Technique(
        "scale of a row",
        "export.rows",
        {
            "clip_floor": "PR #160",
            "amax_float16": "PRs #102, #465",
            "amax_float32": "PR #372",
            "clip_search": "PR #1606",
            "sdclip": "PR #1394",
        },
        applies=below_eight_bits,
    ),
    Technique("late keys in float16", "export.late_k_float16", wherever_on="PRs #102, #372, #465"),
    Technique(
        "further control tensors",
        "export.more_control",
        {"smear,bigram": "PR #102", "smear,bigram.scale": "PR #465", "bigram": "PR #372", "skip_gates": "PR #1394"},
    ),
    Technique("small control tensors in float16", "export.small_control", {"float16": "PRs #102, #465, #1394"}),
    Technique("bigram table as it is", "export.large_control", {"float32": "PR #102"}, applies=has_bigram),
)


def sources_of(config: GolfConfig) -> Iterator[tuple[Technique, Any, str]]:
    """(technique, value, source) of everything in a configuration that has a source, in the order of the table."""
    for technique in TECHNIQUES:
        value = attrgetter(technique.field)(config)
        source = technique.source(value) if technique.applies(config) else ""
        if source:
            yield technique, value, source
