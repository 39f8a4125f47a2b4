"""How large an integer may be expected to be, from the row and the column it stands in: the coder's contexts.

A weight matrix has rows and columns of different scale, and the integers of one scale have much the same
distribution wherever they stand. So every row and every column gets a code, their sum is the logarithm of the
expected magnitude in eighths of an octave, and that sum chooses the table. Where magnitudes are large, the low bits
are as good as random: they are split off and stored raw, so that 256 symbols do for integers of any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PER_OCTAVE = 8
"""Steps of a scale code per factor of two."""
WHOLE_OCTAVES = 3
"""From an expected magnitude of 2 ** (this + 1) on, low bits are split off."""
SMALLEST = -8 * PER_OCTAVE
"""Log-scale below which expected magnitudes are not told apart."""
CONTEXTS = (WHOLE_OCTAVES + 1) * PER_OCTAVE - SMALLEST
ESCAPE = 128
"""Integers of this magnitude and more, after their low bits are split off, are written out in full."""
LARGEST_CODE = 255


@dataclass(frozen=True)
class ScaleCodes:
    """The scale codes of one matrix, side information of the coder."""

    base: int
    rows: Tensor
    """(rows,) uint8."""
    columns: Tensor
    """(columns,) uint8."""

    def levels(self) -> tuple[Tensor, Tensor]:
        """For every element, (rows, columns) uint8: its context and how many low bits are split off."""
        log_scale = self.base + self.rows[:, None].to(torch.int16) + self.columns.to(torch.int16)
        log_scale = log_scale.clamp_min_(SMALLEST)
        shifts = (log_scale.div(PER_OCTAVE, rounding_mode="floor") - WHOLE_OCTAVES).clamp_(0, 62)
        context = (log_scale - PER_OCTAVE * shifts - SMALLEST).clamp_max_(CONTEXTS - 1)
        return context.to(torch.uint8), shifts.to(torch.uint8)


def _codes(means: Tensor) -> tuple[int, Tensor]:
    """(lowest, codes above it uint8) of mean magnitudes (n,) fp32, n > 0."""
    logs = torch.round(PER_OCTAVE * torch.log2(means.clamp_min(2.0 ** (SMALLEST / PER_OCTAVE)))).to(torch.int32)
    lowest = int(logs.min())
    return lowest, (logs - lowest).clamp_max_(LARGEST_CODE).to(torch.uint8)


def scale_codes(integers: Tensor) -> ScaleCodes:
    """The codes of (rows, columns) integers from the mean magnitudes of their rows and columns."""
    if not integers.numel():
        rows, columns = (torch.zeros(side, dtype=torch.uint8) for side in integers.shape)
        return ScaleCodes(0, rows, columns)
    magnitudes = integers.float().abs()
    by_row = magnitudes.mean(1)
    lowest_row, rows = _codes(by_row)
    lowest_column, columns = _codes(magnitudes.mean(0) / by_row.mean().clamp_min(1e-30))
    return ScaleCodes(lowest_row + lowest_column, rows, columns)
