"""The section `optim`: what moves the weights, how far, and how they decay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from golf_model.config.checks import require, require_bounded


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
        for name in ("grad_clip_norm", "muon_weight_decay"):
            require(getattr(self, name) >= 0, name, "0 (off) or more")
        require((self.embed_weight_decay or 0) >= 0, "embed_weight_decay", "0 (off) or more")
        require(self.adam_weight_decay >= 0, "adam_weight_decay", "0 (off) or more")
