"""int8 rows: error bounds and corner cases beyond the golden matrix."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf_model.config import ExportConfig
from golf_model.quantize import dequantize, quantize


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 40), st.floats(1e-6, 100.0), st.integers(0, 2**31))
def test_error_is_at_most_half_a_step_plus_scale_rounding(rows: int, columns: int, size: float, seed: int) -> None:
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * size
    integers, scales = quantize(weight, "int8", ExportConfig())
    error = (dequantize(integers, scales, torch.float32) - weight).abs()
    bound = scales.float()[:, None] * (0.5 + 127 * 2**-10) + 1e-3 * weight.abs().amax(1, keepdim=True)
    assert (error <= bound).all()
    assert int(integers.min()) >= -127


def test_small_rows_share_the_grid_of_one_over_127() -> None:
    scales = quantize(torch.full((3, 4), 0.5), "int8", ExportConfig())[1]
    assert scales.tolist() == pytest.approx([1 / 127] * 3, rel=1e-3)


def test_tensor_of_zeros_without_rows_has_scale_one() -> None:
    integers, scale = quantize(torch.zeros(5), "int8", ExportConfig())
    assert (integers.tolist(), scale.item(), scale.ndim) == ([0] * 5, 1.0, 0)


def test_original_dtype_is_restored() -> None:
    integers, scales = quantize(torch.randn(4, 8).to(torch.bfloat16), "int8", ExportConfig())
    assert dequantize(integers, scales, torch.bfloat16).dtype == torch.bfloat16
