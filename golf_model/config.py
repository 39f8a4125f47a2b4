"""The whole configuration of a golf model and its training: one tree of frozen dataclasses.

Every knob of a run stands here and nowhere else, with its unit and its source; values are checked
where they are built. Stdlib only: the referee reads this file without torch. What a run needs from its
surroundings (seed, data, tokenizer, run id) is not configuration and comes from the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal

REFUSED_VARIABLES = (
    "VAL_BATCH_SIZE",
    "VAL_LOSS_EVERY",
    "TRAIN_LOG_EVERY",
    "ITERATIONS",
    "WARMDOWN_ITERS",
    "WARMUP_STEPS",
    "TRAIN_BATCH_TOKENS",
    "TRAIN_SEQ_LEN",
    "MAX_WALLCLOCK_SECONDS",
    "QK_GAIN_INIT",
    "VOCAB_SIZE",
    "NUM_LAYERS",
    "NUM_KV_HEADS",
    "MODEL_DIM",
    "NUM_HEADS",
    "MLP_MULT",
    "TIE_EMBEDDINGS",
    "ROPE_BASE",
    "LOGIT_SOFTCAP",
    "EMBED_LR",
    "HEAD_LR",
    "TIED_EMBED_LR",
    "TIED_EMBED_INIT_STD",
    "MATRIX_LR",
    "SCALAR_LR",
    "MUON_MOMENTUM",
    "MUON_BACKEND_STEPS",
    "MUON_MOMENTUM_WARMUP_START",
    "MUON_MOMENTUM_WARMUP_STEPS",
    "BETA1",
    "BETA2",
    "ADAM_EPS",
    "GRAD_CLIP_NORM",
)
"""Environment variables of the official script that this one does not read: their values are configuration here."""


ARTIFACT_NAME = "final_model.ptz"
"""File that the training phase freezes and the referee counts, whatever is inside."""

LONG_SEQUENCE = 512
"""Tokens from which on attention goes by blocks on a CPU: all scores of a shorter sequence fit its caches."""


class ConfigError(ValueError):
    """A value that cannot work; `where` is the field's name, the message says what would."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


def require(condition: bool, where: str, message: str) -> None:
    """Raise ConfigError(where, message) unless `condition` holds."""
    if not condition:
        raise ConfigError(where, message)


MOST = 10**12
"""No count of a run is larger; below it products of counts and floats cannot overflow."""


def require_bounded(section: object) -> None:
    """Raise ConfigError for a whole number of a configuration dataclass that no run could use."""
    for item in fields(section):  # type: ignore[arg-type]
        value = getattr(section, item.name)
        if isinstance(value, int):
            require(-MOST <= value <= MOST, item.name, f"at most {MOST:,}")


@dataclass(frozen=True)
class BigramConfig:
    """BigramHash (PR #102): a hashed embedding of (previous token, token) added to the token embedding."""

    buckets: int = 0
    """Rows of the hash table; the last one is the first position's own. 0 turns the technique off."""
    dim: int = 128
    """Width of a row before the projection to model_dim."""
    embed_dtype: Literal["float32", "bfloat16"] = "float32"
    """Parameter (and Adam state) precision of the table under bf16 compute; bfloat16 as PR #465 kept it."""
    placement: Literal["before_blocks", "last"] = "before_blocks"
    """Place in the state_dict: after the token embedding (PRs #102, #465) or after the blocks (PR #372)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.buckets == 0 or self.buckets >= 2, "buckets", "0 (off) or at least 2")
        require(self.dim >= 1, "dim", "at least 1")


@dataclass(frozen=True)
class LoopConfig:
    """Blocks that are passed several times (PRs #1204, #1394): depth without parameters. Off by default."""

    start: int = 0
    """First block of the loop."""
    end: int = 0
    """Last block of the loop."""
    times: int = 0
    """Passes beyond the first one; 0 turns the technique off."""
    at: float = 0.5
    """Share of the training, by the clock or by steps as the schedule goes, from which on blocks are passed again.
    Packing and scoring always do."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(0 <= self.start <= self.end, "start", "at least 0 and at most end")
        require(0 <= self.times <= 16, "times", "0 (off) to 16")
        require(0 <= self.at <= 1, "at", "between 0 and 1")


@dataclass(frozen=True)
class ParallelConfig:
    """Attention and MLP of late blocks side by side instead of one after the other. Off by default."""

    kind: Literal["off", "simple", "lanes"] = "off"
    """simple: both read the same stream (PR #1412); lanes: each has a stream of its own, and learned shares of both
    results go to both (PR #1529)."""
    start: int = 0
    """First block that does so; `num_layers` keeps the lanes' parameters and uses none."""
    final: Literal["mean", "mlp", "attn"] = "mean"
    """What leaves the lanes: their mean, or one of them (PR #1529)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.start >= 0, "start", "0 or more")


@dataclass(frozen=True)
class AttentionGateConfig:
    """A gate on each head's output, after XSA and before the output projection. Off by default."""

    kind: Literal["off", "window", "double", "double_query", "full"] = "off"
    """window: sigmoid of the first features of the block's input (PR #1787); double: twice that, 1 at first (PR
    #1667); double_query: the same of the first query features before their norm (PR #1667); full: sigmoid of the
    whole input (PR #1736)."""
    width: int = 12
    """Features that the gate looks at; `full` looks at all."""
    scale: float = 1.0
    """Factor inside the sigmoid of `window` (PR #1855: 0.5)."""
    init_std: float = 0.0
    """Standard deviation of the gate's initial weights, 0 for zeros (PR #1736: 0.01)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.width >= 1, "width", "at least 1")
        require(self.init_std >= 0, "init_std", "0 or more")


@dataclass(frozen=True)
class ModelConfig:
    """Shape and function of the network; the defaults are the official baseline (17,059,912 parameters)."""

    vocab_size: int = 1024
    """Number of token ids; must equal the tokenizer's vocabulary."""
    num_layers: int = 9
    """Transformer blocks: the first half feed U-Net skips to the second half."""
    model_dim: int = 512
    """Width of the residual stream."""
    num_heads: int = 8
    """Query heads."""
    num_kv_heads: int = 4
    """Key/value heads (grouped-query attention); must divide num_heads."""
    mlp_mult: float = 2.0
    """Hidden width of the MLP as a multiple of model_dim, rounded down (fractions: PR #102)."""
    mlp_activation: Literal["relu2", "leaky_relu2"] = "relu2"
    """relu2: relu(x)^2 (official baseline); leaky_relu2: leaky_relu(x, 0.5)^2 (PR #1606)."""
    rope_base: float = 10000.0
    """Base of the rotary frequencies."""
    rope_table: Literal["float32", "bfloat16", "bfloat16_frequencies"] = "float32"
    """Precision of the rotary tables under bf16 compute. bfloat16 rounds frequencies and positions, the originals'
    defect; bfloat16_frequencies rounds the frequencies only (PR #160)."""
    rope_ntk_seq_len: int = 0
    """NTK scaling (PR #160): sequences longer than this many tokens get a larger base; 0 turns it off."""
    xsa_last_n: int = 0
    """Last blocks whose attention excludes the token's own value direction (XSA, PR #372); 0 turns it off."""
    rope_dims: int = 0
    """Dimensions of a head that turn with the position, the first ones (PR #315: 16 of 64); 0 turns all."""
    ln_scale: bool = False
    """Whether the normed inputs of block i's attention and MLP are multiplied by 1 / sqrt(i + 1) (PR #315)."""
    skip_gates: bool = False
    """Whether a gate decides, channel by channel, between a block's input and its skip; else they are added (PR
    #1089)."""
    loop: LoopConfig = field(default_factory=LoopConfig)
    """Blocks that are passed several times, off by default."""
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    """Late blocks whose halves stand side by side, off by default."""
    attn_gate: AttentionGateConfig = field(default_factory=AttentionGateConfig)
    """A gate on each head's output, off by default."""
    smear: Literal["off", "module", "parameter", "input"] = "off"
    """SmearGate (PR #102): `smear.gate` (PRs #102, #465), or a bare `smear_gate` before tok_emb (PR #372). input: a
    gate that looks at the embedding itself, before the first norm (PR #1667)."""
    smear_width: int = 12
    """Features of the embedding that the gate of smear `input` looks at."""
    smear_bos: int = 1
    """Token that begins a document, into which smear `input` lets nothing through (PR #1851); -1 has none."""
    embed_dim: int = 0
    """Width of the token embedding, with projections to model_dim and back (an option of PR #1394); 0 is
    model_dim."""
    linear_init: Literal["default", "orthogonal"] = "default"
    """Initial matrices: torch's uniform (official baseline), or orthogonal where both sides are at least 64 and the
    matrix does not start at zero (PR #102)."""
    logit_softcap: float = 30.0
    """Logits are softcap * tanh(z / softcap)."""
    qk_gain_init: float = 1.5
    """Initial per-head gain on the queries, applied after the rotation."""
    norm_eps: Literal["float32", "compute"] = "float32"
    """Epsilon of every RMS norm: that of float32, or that of the activations' precision, which older torch took for
    bfloat16 (0.0078, PR #465)."""
    tie_embeddings: bool = True
    """Whether the output head is the token embedding; else a matrix `lm_head` that starts at zero (official)."""
    tok_emb_init_std: float = 0.005
    """Standard deviation of the initial token embedding where it is tied with the head; untied it is 1 (official)."""
    tok_emb_dtype: Literal["float32", "bfloat16"] = "float32"
    """Parameter (and Adam state) precision of the embedding under bf16 compute; the originals keep bfloat16."""
    init_rounding: Literal["float32", "bfloat16"] = "float32"
    """Rounding of every initial weight under bf16 compute; the originals round once through bfloat16."""
    bigram: BigramConfig = field(default_factory=BigramConfig)
    """BigramHash, off by default (PR #102)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("vocab_size", "num_layers", "model_dim", "num_heads", "num_kv_heads"):
            require(getattr(self, name) >= 1, name, "at least 1")
        require(self.mlp_mult * self.model_dim >= 1, "mlp_mult", "mlp_mult * model_dim must be at least 1")
        require(
            self.model_dim % self.num_heads == 0,
            "model_dim",
            f"must be a multiple of num_heads={self.num_heads}",
        )
        require(
            (self.model_dim // self.num_heads) % 2 == 0,
            "model_dim",
            "model_dim / num_heads must be even for RoPE",
        )
        require(self.num_heads % self.num_kv_heads == 0, "num_kv_heads", f"must divide num_heads={self.num_heads}")
        require(self.rope_base > 1, "rope_base", "greater than 1")
        require(self.rope_ntk_seq_len >= 0, "rope_ntk_seq_len", "0 (off) or more")
        require(0 <= self.xsa_last_n <= self.num_layers, "xsa_last_n", f"0 (off) to num_layers={self.num_layers}")
        head_dim = self.model_dim // self.num_heads
        turned = self.rope_dims or head_dim
        require(0 < turned <= head_dim and turned % 2 == 0, "rope_dims", f"0 (all) or even and at most {head_dim}")
        require(turned > 2 or not self.rope_ntk_seq_len, "rope_ntk_seq_len", "0 (off) where only 2 dimensions turn")
        loop, parallel = self.loop, self.parallel
        require(not loop.times or loop.end < self.num_layers, "loop.end", f"below num_layers={self.num_layers}")
        require(parallel.start <= self.num_layers, "parallel.start", f"at most num_layers={self.num_layers}")
        cut = loop.times > 0 and parallel.kind == "lanes" and loop.start < parallel.start <= loop.end
        require(not cut, "parallel.start", "not inside the loop")
        gated, most = self.attn_gate.kind not in ("off", "full"), self.model_dim
        require(not gated or self.attn_gate.width <= most, "attn_gate.width", f"at most model_dim={most}")
        require(self.smear != "input" or 1 <= self.smear_width <= most, "smear_width", f"1 to model_dim={most}")
        require(0 <= self.embed_dim <= self.model_dim, "embed_dim", f"0 (model_dim) to {self.model_dim}")
        plain = not self.bigram.buckets and self.smear == "off"
        require(not self.embed_dim or plain, "embed_dim", "0 where there is a bigram table or a smear")
        require(self.logit_softcap > 0, "logit_softcap", "positive")


@dataclass(frozen=True)
class DecayTaperConfig:
    """Muon's weight decay by the share of the training that is done (PR #1729): constant, then a line down."""

    start: float = 1.0
    """Share from which on it falls; 1 turns the technique off."""
    to: float = 1.0
    """Factor that it has fallen to at the end."""

    def __post_init__(self) -> None:
        require(0 <= self.start <= 1, "start", "between 0 and 1")
        require(self.to >= 0, "to", "0 or more")


@dataclass(frozen=True)
class OptimConfig:
    """Muon for the blocks' matrices, Adam for the rest (official baseline)."""

    matrix_optimizer: Literal["muon", "adamw"] = "muon"
    """What trains the matrices; adamw is the plain alternative for local trials, at matrix_lr like Muon."""
    matrix_lr: float = 0.04
    """Learning rate of the blocks' matrices."""
    scalar_lr: float = 0.04
    """Adam learning rate of gains, mixes and skip weights."""
    tied_embed_lr: float = 0.05
    """Adam learning rate of the tied token embedding (and of the bigram table)."""
    embed_lr: float = 0.6
    """The same where the embedding is not tied (official baseline)."""
    head_lr: float = 0.008
    """Adam learning rate of an untied head (official baseline)."""
    muon_momentum: float = 0.95
    """Muon momentum after its warm-up."""
    muon_momentum_warmup_start: float = 0.85
    """Muon momentum at step 0."""
    muon_momentum_warmup_steps: int = 500
    """Steps over which the momentum rises linearly."""
    muon_backend_steps: int = 5
    """Newton-Schulz iterations."""
    muon_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Precision of the Newton-Schulz iteration."""
    muon_weight_decay: float = 0.0
    """Decoupled decay of the matrices: each step multiplies them by 1 - lr * this; 0 turns it off."""
    muon_decay_order: Literal["before", "after"] = "before"
    """Whether matrices decay before (PR #465) or after (PR #372) the update is taken off."""
    muon_row_normalise: bool = False
    """Whether each row of an update is brought to length 1 before it is orthogonalised (PR #1217, arXiv
    2603.28254)."""
    muon_coefficients: Literal["classic", "polar_express"] = "classic"
    """Of the orthogonalisation: the same five times, or five of their own (PRs #1344, #1787: arXiv 2505.16932)."""
    muon_decay_taper: DecayTaperConfig = field(default_factory=DecayTaperConfig)
    """How Muon's decay falls towards the end, not at all by default."""
    adam_weight_decay: float = 0.0
    """Decoupled decay (AdamW, PRs #102, #465) of embeddings, gains and mixes; 0 is plain Adam."""
    embed_weight_decay: float | None = None
    """The same of the embeddings alone (PR #1218: 0.085); none takes adam_weight_decay."""
    beta1: float = 0.9
    """Adam's first-moment decay."""
    beta2: float = 0.95
    """Adam's second-moment decay."""
    adam_eps: float = 1e-8
    """Adam's epsilon."""
    grad_clip_norm: float = 0.0
    """Global gradient-norm limit over all parameters; 0 turns it off."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.muon_backend_steps >= 1, "muon_backend_steps", "at least 1")
        require(self.muon_momentum_warmup_steps >= 0, "muon_momentum_warmup_steps", "0 or more")
        require(self.grad_clip_norm >= 0, "grad_clip_norm", "0 (off) or more")
        require(self.muon_weight_decay >= 0, "muon_weight_decay", "0 (off) or more")
        require((self.embed_weight_decay or 0) >= 0, "embed_weight_decay", "0 (off) or more")
        require(self.adam_weight_decay >= 0, "adam_weight_decay", "0 (off) or more")


@dataclass(frozen=True)
class ScheduleConfig:
    """When training stops and how the learning rate falls."""

    kind: Literal["wallclock", "steps"] = "wallclock"
    """wallclock: stop and warmdown follow elapsed time (the contest); steps: they follow the step count."""
    max_wallclock_seconds: float = 600.0
    """Training time limit in seconds, mid-run validation excluded; ignored by `steps`."""
    iterations: int = 20000
    """Most optimizer steps."""
    warmdown_iters: int = 1200
    """Steps over which the rate falls linearly to the floor at the end."""
    warmdown_lr_floor: float = 0.0
    """Share of the base rates at which the warmdown ends (PR #372: 0.1)."""
    warmdown_frac: float = 0.0
    """Share of the whole training that the warmdown takes, to `min_lr`, in place of `warmdown_iters`; 0 turns it off
    (PR #1218)."""
    min_lr: float = 0.0
    """Least share of the base rates under `warmdown_frac`: the line is cut off there (PR #1787)."""
    warmup_steps: int = 20
    """Steps run before the clock to compile and warm caches; weights, optimizers and loader are then reset."""
    checkpoint_every_s: float = 0.0
    """Seconds of training between checkpoints, from which a killed run goes on; 0 makes none."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.max_wallclock_seconds > 0, "max_wallclock_seconds", "positive")
        require(self.iterations >= 1, "iterations", "at least 1")
        require(self.warmdown_iters >= 0, "warmdown_iters", "0 or more")
        require(0 <= self.warmdown_lr_floor <= 1, "warmdown_lr_floor", "between 0 and 1")
        require(0 <= self.warmdown_frac <= 1, "warmdown_frac", "between 0 (off) and 1")
        require(0 <= self.min_lr <= 1, "min_lr", "between 0 and 1")
        require(self.warmdown_frac > 0 or not self.min_lr, "min_lr", "0 without warmdown_frac")
        require(self.warmup_steps >= 0, "warmup_steps", "0 or more")
        require(self.checkpoint_every_s >= 0, "checkpoint_every_s", "0 (off) or more")


@dataclass(frozen=True)
class AverageConfig:
    """Which average of the weights becomes the artifact; by default none, the last weights do."""

    kind: Literal["off", "ema", "swa"] = "off"
    """ema: exponential average in fp32 of every step, initial weights included (PRs #372, #1606); swa: plain mean of
    samples late in the warmdown (PR #465)."""
    ema_decay: float = 0.997
    """Share of the average that stays at each step."""
    swa_start_multiplier: float = 0.5
    """SWA samples only steps made at a learning-rate multiplier below this (PR #465)."""
    swa_every: int = 50
    """Steps between SWA samples (PR #465)."""
    swa_sum: Literal["float32", "native"] = "float32"
    """Precision of SWA's sums; native sums bfloat16 weights in bfloat16, the defect of PR #465."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(0 <= self.ema_decay < 1, "ema_decay", "at least 0 and less than 1")
        require(self.swa_start_multiplier > 0, "swa_start_multiplier", "positive")
        require(self.swa_every >= 1, "swa_every", "at least 1")


@dataclass(frozen=True)
class BatchConfig:
    """How tokens become batches."""

    train_batch_tokens: int = 524288
    """Tokens per optimizer step over all processes."""
    train_seq_len: int = 1024
    """Tokens per sequence, in training and in plain evaluation."""
    val_batch_tokens: int = 524288
    """Tokens per evaluation batch over all processes and micro-steps."""
    micro_batches: int = 8
    """Micro-batches per optimizer step over all processes; one process accumulates micro_batches / world_size."""
    order: Literal["sequential", "shuffled", "sequences", "documents"] = "sequential"
    """Order of the training tokens. sequential: straight through all shards (official); shuffled: spans of each pass
    in an order drawn from the seed; sequences: single sequences of a process's own shards, drawn by its rank and not
    by the seed (PR #1394); documents: straight on, a micro-batch being one row that a shard's first document begins
    (PR #1530)."""
    documents: bool = False
    """Whether a token attends to its own document alone, in training and in scoring (PR #1530); after every
    train_seq_len tokens a document is cut."""
    bos_token: int = 1
    """Token that begins a document, where `documents` or the order of that name asks for it."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("train_batch_tokens", "train_seq_len", "val_batch_tokens", "micro_batches"):
            require(getattr(self, name) >= 1, name, "at least 1")
        span = self.micro_batches * self.train_seq_len
        require(
            self.train_batch_tokens % span == 0,
            "train_batch_tokens",
            f"must be a multiple of micro_batches * train_seq_len = {span}",
        )


@dataclass(frozen=True)
class QatConfig:
    """Fake quantisation of the matrices: the forward pass sees them on a grid, the gradient passes straight on."""

    active: Literal["off", "training", "until_export", "always"] = "off"
    """training: in training steps only (PRs #102, #1606); until_export: in mid-run validation too (PR #160); always:
    also when the artifact is scored (PR #372)."""
    start_step: int = 0
    """First step with fake quantisation, 0-based (PR #160: half of the iterations)."""
    mlp_bits: Literal[8, 6, 5] = 6
    """Bits of the MLP's matrices (PR #372: 5)."""
    attn_bits: Literal[8, 6, 5] = 6
    """Bits of all other matrices."""
    grid: Literal["amax", "amax_floor", "unit_floor", "step"] = "amax"
    """A row's step: its largest magnitude over the levels (PR #102); the same with a magnitude of at least 1e-8 (PR
    #372); or never below 1 / levels, so that rows below 1 share one grid (PRs #160, #1606). step: matrices that are
    stored as `step`, on the grid that would be written by now."""
    resolve_every: int = 100
    """Steps after which the grid `step` is solved for again from the live weights."""
    precision: Literal["float32", "compute", "mixed"] = "float32"
    """float32: quantised in fp32, cast to the activations' precision at use (PRs #160, #372); compute: cast first,
    then quantised (PR #102); mixed: quantised in fp32, the straight-through sum taken after the cast (PR #1606)."""
    min_numel: int = 0
    """Matrices of at most this many elements stay as they are (PR #372: 65536)."""
    late_k: int = 0
    """Last blocks whose key projection stays as it is (PRs #160, #372)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("start_step", "min_numel", "late_k"):
            require(getattr(self, name) >= 0, name, "0 or more")
        require(self.resolve_every >= 1, "resolve_every", "at least 1")


@dataclass(frozen=True)
class EvalConfig:
    """How the artifact gets its published score; the plain score is always measured beside it."""

    rule: Literal[
        "plain",
        "sliding",
        "streaming",
        "last_stride",
        "last_stride_short",
        "exact_tail",
        "repeated_tail",
        "short_tail",
    ] = "plain"
    """plain: whole sequences side by side. sliding: windows every `stride` targets, every target exactly once with as
    much context as its window allows, to the text's last token. streaming: the text is read once, each token attends
    to the last `window` tokens in every layer; another model in effect, and another score. The originals' slide, too:
    last_stride scores only the last `stride` targets of a window, so that the text's head and tail are left out (PR
    #102); last_stride_short drops the last window as well (PR #372); exact_tail is as `sliding` (PR #160);
    repeated_tail scores the last targets again in ever shorter windows (PR #465); short_tail ends with one window
    that is cut off (PR #1394)."""
    window: int = 0
    """Tokens of a window; 0 takes train_seq_len. The plain rule always takes that."""
    stride: int = 64
    """Targets between the starts of two windows."""
    batch_windows: int = 32
    """Windows per forward pass and process."""
    keep_tail: bool = False
    """Whether the originals' windows may reach the targets after the last whole sequence (PR #160)."""
    sums: Literal["float64", "float32"] = "float64"
    """Precision of the sums over targets; float32 is the defect of PR #465."""
    byte_sidecar: bool = False
    """Whether the bytes of each target come from fineweb_val_bytes_*.bin beside the validation shards: of a text that
    was rewritten before it was tokenised, those of the original (CaseOps, PR #1729)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.window >= 0, "window", "0 (train_seq_len) or more")
        require(self.stride >= 1, "stride", "at least 1")
        require(self.batch_windows >= 1, "batch_windows", "at least 1")

    def window_length(self, train_seq_len: int) -> int:
        """Tokens of one window of this rule; the plain rule's windows are training sequences."""
        return train_seq_len if self.rule == "plain" else self.window or train_seq_len


@dataclass(frozen=True)
class StepConfig:
    """The uniform grid of tensors stored as `step`: integers times one step, entropy coded, no row scales.

    The artifact's size is then a continuous function of one number, which is solved for.
    """

    size: float = 0.0
    """The step; 0 finds the one with which script and artifact just fit `cap_bytes`."""
    cap_bytes: int = 16_000_000
    """Most bytes of script and artifact together."""
    finest: float = 0.0005
    """Least step that is tried: smaller ones cost bytes and gain nothing."""
    coarsest: float = 0.05
    """Largest step that is tried; if not even it fits, the run fails."""
    embed: float = 1.0
    """Step of token embedding and untied head in units of `size`; more for weights that matter less."""
    mlp: float = 1.0
    """The same of the MLPs' matrices."""
    attn: float = 1.0
    """The same of the attention's matrices and the bigram projection."""
    other: float = 1.0
    """The same of the bigram table."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.size >= 0, "size", "0 (solved for) or more")
        require(self.cap_bytes >= 1, "cap_bytes", "at least 1")
        require(0 < self.finest <= self.coarsest, "finest", "positive and at most coarsest")
        for name in ("embed", "mlp", "attn", "other"):
            require(getattr(self, name) > 0, name, "positive")


@dataclass(frozen=True)
class GptqConfig:
    """Rounding that makes up for its own errors, by what layers see on training tokens (GPTQ, arXiv 2210.17323)."""

    tokens: int = 0
    """Training tokens to look at, over all processes, inside the training clock; 0 rounds to nearest."""
    embed: bool = False
    """Whether the token embedding is rounded so, too, by what the output head sees (PR #1394)."""
    zero_dead: bool = False
    """Whether weights of columns that were never seen become zeros (PR #1394)."""
    damping: float = 0.01
    """Share of the mean diagonal that is added to each Hessian's diagonal."""
    order: bool = True
    """Whether columns are rounded in the order of their activations, largest first."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.tokens >= 0, "tokens", "0 (off) or more")
        require(self.damping > 0, "damping", "positive")


@dataclass(frozen=True)
class SdclipConfig:
    """Row scales by standard deviation: a step is k / levels of it, so that rows take equal bits (PR #1394)."""

    embed: float = 20.0
    """k of token embedding and untied head (PRs #1394, #1586)."""
    mlp: float = 12.85
    """k of the MLPs' matrices."""
    attn: float = 12.85
    """k of the attention's matrices and the bigram projection."""
    other: float = 12.85
    """k of the bigram table."""
    solve: bool = False
    """Whether one factor on all k is found with which script and artifact just fit `step.cap_bytes`."""
    factor: float = 1.0
    """That factor; more is coarser and smaller."""

    def __post_init__(self) -> None:
        for name in ("embed", "mlp", "attn", "other", "factor"):
            require(0 < getattr(self, name) <= 1e6, name, "positive")


@dataclass(frozen=True)
class LqerConfig:
    """Low-rank repair of quantised matrices (LQER, arXiv 2402.02446; PR #1797): what rounding lost, in a few factors.

    Off by default.
    """

    rank: int = 0
    """Columns of the factors; 0 turns the technique off."""
    tensors: int = 3
    """Matrices that are repaired: those that rounding changed most."""
    group: int = 64
    """Elements of the second factor that share a scale."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(0 <= self.rank <= 256, "rank", "0 (off) to 256")
        require(self.tensors >= 1, "tensors", "at least 1")
        require(self.group >= 1, "group", "at least 1")


@dataclass(frozen=True)
class ShapedStepsConfig:
    """Steps where the loss feels them: how the step of a tensor stored as `step` differs from place to place.

    Off by default. Codes of a quarter octave are written with the integers. Sensitivities are those of a
    Kronecker-factored curvature (KFAC, arXiv 1503.05671): what a layer sees, times what the loss thinks of outputs.
    """

    matrices: Literal["std", "one", "predicted"] = "std"
    """A matrix's step in units of `step.size`. std: its class's factor, as `step` says; one: the same for all;
    predicted: such that all matrices of the layers have the same predicted loss per weight (KFAC, arXiv 1503.05671;
    the embedding keeps its factor)."""
    columns: Literal["off", "hessian", "cholesky"] = "off"
    """Whether columns have steps of their own. hessian: by what the layer sees there, H_jj ** -1/2, to a power;
    cholesky: U_jj of GPTQ's own factor, which knows what later columns can make up for (arXiv 2210.17323)."""
    columns_power: float = 1.0
    """Power of the columns' rule."""
    rows: Literal["off", "fisher"] = "off"
    """Whether rows have steps of their own. fisher: Fisher information of their outputs ** -1/2, to a power (KFAC,
    arXiv 1503.05671)."""
    rows_power: float = 0.5
    """Power of the rows' rule: 1 is best for the mean loss, 0.5 nearly so and kinder to the worst tokens."""
    rows_floor: float = 0.01
    """Share of the matrix's mean Fisher information that is added to each row's."""
    tokens: int = 32768
    """Training tokens for the Fisher information, over all processes: one backward pass inside the training clock."""
    auto: bool = False
    """Whether steps stay as they are where shaping them is predicted to save less than 0.15 bits a weight."""

    def __post_init__(self) -> None:
        require_bounded(self)
        for name in ("columns_power", "rows_power", "rows_floor", "tokens"):
            require(getattr(self, name) > 0, name, "positive")
        require(max(self.columns_power, self.rows_power) <= 2, "rows_power", "at most 2, as columns_power")

    @property
    def wants_fisher(self) -> bool:
        """Whether the loss has to be asked what it thinks of outputs."""
        return self.matrices == "predicted" or self.rows != "off"

    @property
    def are_shaped(self) -> bool:
        """Whether steps depend on what was measured."""
        return self.wants_fisher or self.columns != "off"


@dataclass(frozen=True)
class ExportConfig:
    """How weights become the artifact."""

    container: Literal["golf", "torch", "torch_pair", "torch_shuffled", "qgv3"] = "golf"
    """golf: ours, docs/artifact-format.md; torch: one dict by torch.save (official baseline, PRs #372, #1606);
    torch_pair: weights and their kinds by torch.save (PRs #102, #465); torch_shuffled: the same, then all bytes at
    even positions before those at odd ones (PR #1394); qgv3: a JSON header and raw bytes, six-bit integers packed (PR
    #160)."""
    compressor: Literal["auto", "rans", "zlib", "lzma", "zstd", "brotli"] = "auto"
    """The originals': zlib at level 9 (official baseline), lzma as .xz at preset 6 (PR #160), zstd at level 22 (PRs
    #102, #372, #465), brotli at quality 11 (PR #1394, and only in its container). In our container: what codes the
    integers; rans is an entropy coder for weights, lzma is at its most thorough, brotli wants its package installed,
    auto measures all and keeps the smallest."""
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
        require(self.passthrough_numel >= 0, "passthrough_numel", "0 or more")
        require(self.late_k_float16 >= 0, "late_k_float16", "0 or more")
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


@dataclass(frozen=True)
class LogConfig:
    """How often a run speaks."""

    train_log_every: int = 200
    """Steps between training lines (the first ten steps are always logged); 0 turns them off."""
    val_loss_every: int = 1000
    """Steps between mid-run validations, step 0 included; 0 validates only at the end."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.train_log_every >= 0, "train_log_every", "0 (off) or more")
        require(self.val_loss_every >= 0, "val_loss_every", "0 (off) or more")


@dataclass(frozen=True)
class RuntimeConfig:
    """How the computation is carried out; none of it changes what is computed beyond rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes CUDA where there is one, else Apple's MPS, else the CPU."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Autocast precision; auto takes bfloat16 where the device has instructions for it."""
    compile: Literal["auto", "on", "off"] = "auto"
    """torch.compile; auto takes it on CUDA, and on a CPU where a forecast says that a seed is long enough for it:
    the log has both. Without a compiler it is off, and the log says so."""
    attention: Literal["auto", "sdpa", "explicit", "blocks"] = "auto"
    """Attention kernel; auto takes blocks on CPU, sdpa elsewhere. explicit: a masked softmax over all scores,
    fastest on CPU for short sequences; blocks: the same below 512 tokens, and queries by blocks from there on."""
    head: Literal["auto", "plain", "chunked"] = "auto"
    """Way to the loss; auto takes the cache-sized walk on CPU, the plain one elsewhere."""
    cpu_threads: int = 0
    """Threads of each process on CPU; 0 leaves it to OMP_NUM_THREADS and torch."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.cpu_threads >= 0, "cpu_threads", "0 (torch's choice) or more")


@dataclass(frozen=True)
class GolfConfig:
    """Everything a run of golf_model is told."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    """The optimizers."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Stop and learning-rate schedule."""
    average: AverageConfig = field(default_factory=AverageConfig)
    """The average of the weights that is packed, off by default."""
    batch: BatchConfig = field(default_factory=BatchConfig)
    """Batches."""
    qat: QatConfig = field(default_factory=QatConfig)
    """Fake quantisation while training, off by default."""
    export: ExportConfig = field(default_factory=ExportConfig)
    """The artifact."""
    eval: EvalConfig = field(default_factory=EvalConfig)
    """The published score."""
    log: LogConfig = field(default_factory=LogConfig)
    """Logging."""
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    """Devices and precision."""

    def __post_init__(self) -> None:
        sliding = self.eval.rule not in ("plain", "streaming")
        length = self.eval.window_length(self.batch.train_seq_len)
        require(not sliding or self.eval.stride <= length, "eval.stride", f"at most {length}, the window")
        apart = self.batch.documents and self.eval.rule == "streaming"
        require(not apart, "eval.rule", "not streaming where batch.documents keeps documents apart")
        stepped = "step" in (self.export.mlp, self.export.attn)
        on_step = self.qat.active != "off" and self.qat.grid == "step"
        require(stepped or not on_step, "qat.grid", "step only where export.mlp or export.attn is step")
        shaped = self.export.steps.are_shaped or self.export.rounding == "trellis"
        why = "not step with shaped export.steps or a trellis, whose grid is another; set qat.active: off"
        require(not (on_step and shaped), "qat.grid", why)
