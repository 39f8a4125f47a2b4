"""Averages of the weights along training: EMA (PRs #372, #1606) and SWA (PR #465).

The average replaces the weights once, after the last step and its validation and before they are packed. Off by
default. Every process keeps the same average of the same weights; nothing is communicated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golf_model.config.average import AverageConfig


class WeightAverage:
    """A running average of named weights; `update` after every optimizer step, `load_into` at the end."""

    def __init__(self, average: AverageConfig, weights: Mapping[str, Tensor]) -> None:
        """weights: as they stand before the first step; only EMA counts them."""
        self.average = average
        self.samples = 0
        self.sums: dict[str, Tensor] = {}
        if average.kind == "ema":
            self.sums = {name: value.detach().float().clone() for name, value in weights.items()}

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], step: int, multiplier: float) -> None:
        """Take in the weights after finished step `step` (1-based), made at learning-rate multiplier `multiplier`."""
        average = self.average
        if average.kind == "ema":
            self.samples += 1
            sums = [self.sums[name] for name in weights]
            torch._foreach_mul_(sums, average.ema_decay)
            torch._foreach_add_(sums, [value.float() for value in weights.values()], alpha=1.0 - average.ema_decay)
        elif average.kind == "swa" and multiplier < average.swa_start_multiplier and step % average.swa_every == 0:
            self._add(weights)

    def _add(self, weights: Mapping[str, Tensor]) -> None:
        """One more SWA sample."""
        self.samples += 1
        for name, value in weights.items():
            sample = value.detach().float() if self.average.swa_sum == "float32" else value.detach()
            self.sums[name] = self.sums[name] + sample if name in self.sums else sample.clone()

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on."""
        return {"samples": self.samples, "sums": self.sums}

    def restore(self, state: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        """Go on from a `state`, on the devices of the weights."""
        self.samples = int(state["samples"])
        self.sums = {name: value.to(weights[name].device) for name, value in state["sums"].items()}

    @property
    def is_ready(self) -> bool:
        """Whether there is an average: always for EMA, from two samples on for SWA (as PR #465)."""
        return self.average.kind == "ema" or self.samples > 1

    def weights(self) -> dict[str, Tensor]:
        """The average by name, in the precision of its sums."""
        count = 1 if self.average.kind == "ema" else self.samples
        return {name: value / count for name, value in self.sums.items()}

    @torch.no_grad()
    def load_into(self, weights: Mapping[str, Tensor]) -> None:
        """Overwrite the weights by their average, cast to their precision, if there is one."""
        if self.is_ready:
            for name, value in self.weights().items():
                weights[name].copy_(value)
