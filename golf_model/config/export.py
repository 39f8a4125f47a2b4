"""The section `export`: how weights become the artifact; its grids and rounding have files of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from golf_model.config.checks import require, require_bounded
from golf_model.config.grids import SdclipConfig, ShapedStepsConfig, StepConfig
from golf_model.config.rounding import GptqConfig, LqerConfig

ARTIFACT_NAME = "final_model.ptz"
"""File that the training phase freezes and the referee counts, whatever is inside."""


@dataclass(frozen=True)
class ExportConfig:
    """How weights become the artifact."""

    container: Literal["golf", "torch", "torch_pair", "torch_shuffled", "qgv3"] = "golf"
    """Format of the artifact. golf: ours, docs/artifact-format.md; torch: one dict by torch.save (official baseline,
    PRs #372, #1606); torch_pair: weights and their kinds by torch.save (PRs #102, #465); torch_shuffled: the same,
    then all bytes at even positions before those at odd ones (PR #1394); qgv3: a JSON header and raw bytes, six-bit
    integers packed (PR #160)."""
    compressor: Literal["auto", "rans", "zlib", "lzma", "zstd", "brotli"] = "auto"
    """What makes the artifact's bytes few. The originals': zlib at level 9 (official baseline), lzma as .xz at preset
    6 (PR #160), zstd at level 22 (PRs #102, #372, #465), brotli at quality 11 (PR #1394, and only in its container).
    In our container: what codes the integers; rans is an entropy coder for weights, lzma is at its most thorough,
    brotli wants its package installed, auto measures all and keeps the smallest."""
    embed: Literal["float16", "int8", "int7", "int6", "int5", "int4", "step"] = "int8"
    """Token embedding and untied head (float16: PRs #102, #372, #465; int7: PR #1586)."""
    mlp: Literal["int8", "int7", "int6", "int5", "int4", "step"] = "int8"
    """Matrices of the MLPs (int7: tried by PR #102; int6: PRs #102, #160, #1394; int5: PRs #372, #465)."""
    attn: Literal["int8", "int7", "int6", "int5", "int4", "step"] = "int8"
    """Matrices of the attention, and the bigram projection (int6: PRs #102, #160, #372, #465, #1394)."""
    other: Literal["int8", "step"] = "int8"
    """Everything else that is quantised, such as the bigram table."""
    step: StepConfig = field(default_factory=StepConfig)
    """The grid of what is stored as `step`."""
    steps: ShapedStepsConfig = field(default_factory=ShapedStepsConfig)
    """How the step differs between matrices, columns and rows; not at all by default."""
    rounding: Literal["nearest", "gptq", "trellis"] = "gptq"
    """How weights become integers. nearest: each for itself; gptq: in turn, where gptq.tokens says what layers see
    (arXiv 2210.17323), else to nearest; trellis: matrices stored as `step` by the best path through a trellis of two
    grids (trellis-coded quantisation, Marcellin and Fischer 1990), in turn where gptq.tokens says what layers see."""
    trellis_states: Literal[4, 8] = 8
    """States of the trellis, Ungerboeck's codes (1982): 4 save 0.16 bits a weight, 8 save 0.18."""
    gptq: GptqConfig = field(default_factory=GptqConfig)
    """How the layers' matrices are rounded, to nearest by default."""
    rows: Literal["clip_floor", "amax_float16", "amax_float32", "clip_search", "sdclip"] = "clip_floor"
    """Scale of a row below eight bits. clip_floor: as the official int8, clipped at a quantile, at least 1 / levels
    (PR #160); amax_float16: largest magnitude, rounded to fp16 before it is used (PRs #102, #465); amax_float32:
    rounded after (PR #372); clip_search: the best of five quantiles by squared error (PR #1606); sdclip: by standard
    deviation, of rows of eight bits, too (PR #1394)."""
    sdclip: SdclipConfig = field(default_factory=SdclipConfig)
    """How wide rows `sdclip` are."""
    lqer: LqerConfig = field(default_factory=LqerConfig)
    """Low-rank repair of what rounding did, off by default."""
    late_k_float16: int = 0
    """Last blocks whose key projection is stored as fp16 (PR #102: 2; PRs #372, #465: 1)."""
    passthrough_numel: int = 65536
    """Tensors of at most this many elements are stored as floats, not quantised."""
    more_control: str = ""
    """Further parts of names, comma-separated, that mark control tensors beside the baseline's: smear,bigram
    (PR #102); smear,bigram.scale (PR #465); bigram (PR #372); skip_gates (PR #1394)."""
    small_control: Literal["float32", "float16"] = "float32"
    """Control tensors of at most passthrough_numel elements; float16 as PRs #102, #465 and #1394."""
    large_control: Literal["quantized", "float32"] = "quantized"
    """Larger control tensors: int8, or fp32 as PR #102 stored its bigram table."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("passthrough_numel", "late_k_float16"):
            require(getattr(self, name) >= 0, name, "0 or more")
        if self.container != "golf":
            plain = ("zlib", "lzma", "zstd", *(("brotli",) if self.container == "torch_shuffled" else ()))
            require(
                self.compressor in plain, "compressor", f"one of {', '.join(plain)} in container {self.container}"
            )
            on_step = [name for name in ("embed", "mlp", "attn", "other") if getattr(self, name) == "step"]
            require(not on_step, "".join(on_step[:1]), "an integer scheme or float16 unless the container is golf")
        stepped = "step" in (self.embed, self.mlp, self.attn, self.other)
        require(stepped or self.rounding != "trellis", "rounding", "trellis only where something is stored as step")
        measured = self.steps.are_shaped
        require(stepped or not measured, "steps", "off unless something is stored as step")
        require(
            self.gptq.tokens > 0 or not measured, "gptq.tokens", "more than 0: shaped steps want what the layers see"
        )
        if self.solves_step:
            require(self.compressor in ("auto", "rans"), "compressor", "auto or rans where the step is solved for")

        solved = self.rows == "sdclip" and self.sdclip.solve
        coded = self.container == "golf" and self.compressor in ("auto", "rans") and not stepped
        require(
            not solved or coded, "sdclip.solve", "false unless the container is golf's, coded by rans, without step"
        )
        integers = {self.embed, self.mlp, self.attn} & {"int8", "int7", "int6", "int5", "int4"}
        repaired = self.container == "golf" and integers
        require(not self.lqer.rank or bool(repaired), "lqer.rank", "0 (off) unless the container is golf's")

    @property
    def solves_factor(self) -> bool:
        """Whether the factor of the row scales has to be found before anything can be stored."""
        return self.rows == "sdclip" and self.sdclip.solve

    @property
    def solves_step(self) -> bool:
        """Whether a step has to be found before anything can be stored."""
        return "step" in (self.embed, self.mlp, self.attn, self.other) and self.step.size == 0
