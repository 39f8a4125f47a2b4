"""A bias-free linear layer whose weights stay in fp32 for the optimizer and are cast to the input at use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ORTHOGONAL_MIN_SIDE = 64
"""Smaller matrices keep torch's initial weights under orthogonal initialisation (PR #102)."""


class WeightMap(Protocol):
    """What fake quantisation (qat.py) makes of a weight."""

    def __call__(self, weight: Tensor, dtype: torch.dtype) -> Tensor:
        """weight (out, in) fp32 -> the weight that is used for activations of `dtype`."""
        ...


class CastedLinear(nn.Linear):
    """(out, in) fp32 weights; output in the input's dtype.

    `zero_init` marks output projections that start at 0; `orthogonal_gain` a matrix that is always drawn
    orthogonally, times that gain.
    """

    def __init__(
        self, in_features: int, out_features: int, *, zero_init: bool = False, orthogonal_gain: float | None = None
    ) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.zero_init = zero_init
        self.orthogonal_gain = orthogonal_gain
        self.fake_quant: WeightMap | None = None
        self.on_grid = False
        self.kept: dict[torch.dtype, Tensor] | None = None
        """The weight as it is multiplied by, by precision, while nobody changes weights (`weights_kept`)."""

    def used_weight(self, dtype: torch.dtype) -> Tensor:
        """(out, in): the weight, or what fake quantisation makes of it for activations of `dtype`."""
        return self.fake_quant(self.weight, dtype) if self.on_grid and self.fake_quant is not None else self.weight

    def init_weight(self, *, orthogonal: bool) -> None:
        """Draw the initial weight; `orthogonal` (PR #102) speaks of matrices with both sides of at least 64."""
        if self.zero_init:
            nn.init.zeros_(self.weight)
        elif self.orthogonal_gain is not None:
            nn.init.orthogonal_(self.weight, gain=self.orthogonal_gain)
        elif orthogonal and min(self.weight.shape) >= ORTHOGONAL_MIN_SIDE:
            nn.init.orthogonal_(self.weight)

    def forward(self, x: Tensor, row_gain: Tensor | None = None) -> Tensor:
        """x: (..., in) -> (..., out), each output times its row_gain (out,).

        The gain is applied to the weights, not to the output: the same function, and cheaper by three passes
        over the activations.
        """

        def prepared() -> Tensor:
            weight = self.used_weight(x.dtype)
            if row_gain is not None:
                weight = weight * row_gain[:, None]
            return weight.to(x.dtype)

        return F.linear(x, kept_or_made(self.kept, x.dtype, prepared))


def kept_or_made(kept: dict[torch.dtype, Tensor] | None, dtype: torch.dtype, make: Callable[[], Tensor]) -> Tensor:
    """A weight in `dtype`: what `make` makes, once where it is kept."""
    if kept is None:
        return make()
    if dtype not in kept:
        kept[dtype] = make()
    return kept[dtype]


@contextmanager
def weights_kept(network: nn.Module) -> Iterator[None]:
    """Weights are cast, put on their grid and multiplied by gains once instead of at every call: the same numbers.

    For scoring alone, without gradients: nobody may change a weight meanwhile, nor switch a grid.
    """
    keepers = [module for module in network.modules() if hasattr(module, "kept")]
    for module in keepers:
        module.kept = {}  # type: ignore[assignment]
    try:
        yield
    finally:
        for module in keepers:
            module.kept = None  # type: ignore[assignment]
