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
LARGEST_BASE = 1024
"""Magnitude that no base of honest scale codes has: those of 64-bit integers stay below."""


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


def coarser(codes: Tensor, unit: int) -> tuple[int, Tensor]:
    """(what the base gains, codes in multiples of `unit`): less to say about noisy scales; 0 says nothing at all."""
    if not unit:
        return round(float(codes.float().mean())) if codes.numel() else 0, torch.zeros_like(codes)
    rounded_codes = (codes.to(torch.int16) + unit // 2).div(unit, rounding_mode="floor") * unit
    return 0, rounded_codes.clamp_max(LARGEST_CODE // unit * unit).to(torch.uint8)


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


@dataclass(frozen=True)
class Modelled:
    """One matrix as the coder sees it, element by element in its order."""

    codes: ScaleCodes
    contexts: Tensor
    """(n,) uint8."""
    symbols: Tensor
    """(n,) uint8: the integer without its low bits, plus ESCAPE; 0 where it is written out."""
    low_bits: Tensor
    """Bool: the lowest bit of all integers that give one away, then the second, and so on."""
    escaped: Tensor
    """int64: the integers that are written out."""


def modelled(integers: Tensor, codes: ScaleCodes | None = None) -> Modelled:
    """integers: (rows, columns) of any integer dtype on any device; codes: other than the ones measured from them."""
    codes = codes or scale_codes(integers)
    contexts, shifts = codes.levels()
    whole = integers.long()
    top = whole >> shifts
    outside = (top >= ESCAPE) | (top <= -ESCAPE)
    symbols = (top + ESCAPE).masked_fill_(outside, 0)
    deepest = int(shifts.max()) if shifts.numel() else 0
    pieces = [(whole >> bit & 1)[(shifts > bit) & ~outside] for bit in range(deepest)]
    low_bits = torch.cat(pieces).bool() if pieces else torch.empty(0, dtype=torch.bool)
    return Modelled(codes, contexts.flatten(), symbols.flatten().to(torch.uint8), low_bits, whole[outside])
