"""What a matrix stored as `step` may have beside its one step: codes of rows and columns, and a trellis. Reading it.

A code is a quarter of an octave: the step of a row is the tensor's times 2 ** (code / 4), and so is a column's. How
codes are chosen is step_plan.py's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from golf_model.quantization.trellis import trellis_levels

PER_STEP_OCTAVE = 4
"""Codes of a step per factor of two."""
LARGEST_STEP_CODE = 127
"""Magnitude of a code, at most."""
ROOTS = (1.0, 2**0.25, 2**0.5, 2**0.75)


@dataclass(frozen=True)
class Shaping:
    """The shape of one matrix's steps; the empty one is a uniform step."""

    rows: Tensor | None = None
    """(rows,) int16 codes; None: all 0."""
    columns: Tensor | None = None
    """(columns,) int16 codes; None: all 0."""
    states: int = 0
    """Of the trellis; 0: integers are levels themselves."""

    def unit_steps(self, matrix: Tensor) -> Tensor:
        """What broadcasts to (rows, columns), on the matrix's device: steps in units of the tensor's."""
        steps = torch.ones(1, 1, device=matrix.device)
        if self.rows is not None:
            steps = steps * quarter_octaves(self.rows).to(matrix.device)[:, None]
        return steps if self.columns is None else steps * quarter_octaves(self.columns).to(matrix.device)

    def __bool__(self) -> bool:
        return self.rows is not None or self.columns is not None or self.states > 0


def quarter_octaves(codes: Tensor) -> Tensor:
    """fp32 2 ** (code / 4) on the codes' device, the same bits on every machine."""
    whole = codes.cpu().numpy().astype(np.int32)
    powers = np.ldexp(np.array(ROOTS, np.float32)[whole % PER_STEP_OCTAVE], whole // PER_STEP_OCTAVE)
    return torch.from_numpy(powers.astype(np.float32)).to(codes.device)


def shaped_weights(integers: Tensor, scale: Tensor, shaping: Shaping) -> Tensor:
    """(rows, columns) fp32: level x (step x row) x column, each product rounded to fp32."""
    levels = trellis_levels(integers, shaping.states) if shaping.states else integers
    steps = scale.float()
    if shaping.rows is not None:
        steps = steps * quarter_octaves(shaping.rows)[:, None]
    weights = levels.float() * steps
    return weights if shaping.columns is None else weights * quarter_octaves(shaping.columns)
