"""Parts of the section `export`: what makes up for the errors of rounding."""

from __future__ import annotations

from dataclasses import dataclass

from golf_model.config.checks import require, require_bounded


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
