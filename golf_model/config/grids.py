"""Parts of the section `export`: the grids that weights are rounded to, whole tensors' and rows'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded


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
