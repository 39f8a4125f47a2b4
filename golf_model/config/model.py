"""The section `model`: shape and function of the network, and its techniques, each off by default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from golf_model.config.checks import require, require_bounded


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
    """How attention and MLP stand beside each other. simple: both read the same stream (PR #1412); lanes: each has a
    stream of its own, and learned shares of both results go to both (PR #1529)."""
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
    """Gate on each head's output. window: sigmoid of the first features of the block's input (PR #1787); double:
    twice that, 1 at first (PR #1667); double_query: the same of the first query features before their norm (PR
    #1667); full: sigmoid of the whole input (PR #1736)."""
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
    """Activation of the MLPs. relu2: relu(x)^2 (official baseline); leaky_relu2: leaky_relu(x, 0.5)^2 (PR #1606)."""
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
    """Gate by which a token takes some of the one before it (SmearGate, PR #102). module: `smear.gate` (PRs #102,
    #465); parameter: a bare `smear_gate` before tok_emb (PR #372); input: a gate that looks at the embedding itself,
    before the first norm (PR #1667)."""
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
