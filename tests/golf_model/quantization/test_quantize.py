"""Rows to integers: error bounds and corner cases beyond the golden matrix."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf_model.config.export import ExportConfig
from golf_model.quantization.quantize import dequantize, quantize
from golf_model.shapes import LEVELS


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


@settings(max_examples=100)
@given(
    st.sampled_from(["clip_floor", "amax_float16", "amax_float32", "clip_search"]),
    st.sampled_from(["int6", "int5"]),
    st.floats(1e-3, 100.0),
    st.integers(0, 2**31),
)
def test_fewer_bits_stay_in_their_range_and_near_the_weights(rows: Any, scheme: Any, size: float, seed: int) -> None:
    weight = torch.randn(4, 40, generator=torch.Generator().manual_seed(seed)) * size
    integers, scales = quantize(weight, scheme, ExportConfig(rows=rows))
    assert int(integers.abs().max()) <= LEVELS[scheme]
    assert (scales.dtype, scales.shape) == (torch.float16, (4,))
    error = (dequantize(integers, scales, torch.float32) - weight).abs()
    # clip_search may cut a row's largest values off, the others cut nothing that the levels would miss.
    inside = weight.abs() <= scales.float()[:, None] * LEVELS[scheme] if rows == "clip_search" else True
    bound = scales.float()[:, None] * 0.5 + 2e-3 * weight.abs().amax(1, keepdim=True)
    assert ((error <= bound) | ~torch.as_tensor(inside)).all()


@pytest.mark.parametrize("rows", ["clip_floor", "amax_float16", "amax_float32", "clip_search"])
def test_rows_of_zeros_come_back_as_zeros(rows: Any) -> None:
    weight = torch.zeros(3, 8)
    weight[1] = 2.0
    restored = dequantize(*quantize(weight, "int6", ExportConfig(rows=rows)), torch.float32)
    assert torch.allclose(restored, weight, rtol=1e-3, atol=0.0)


def test_a_searched_clip_is_never_worse_than_none() -> None:
    torch.manual_seed(0)
    weight = torch.randn(16, 2048) * torch.rand(16, 1)
    weight[3, 5] = 40.0

    def squared(rows: Any) -> float:
        restored = dequantize(*quantize(weight, "int6", ExportConfig(rows=rows)), torch.float32)
        return float((restored - weight).square().mean())

    assert squared("clip_search") < squared("clip_floor")
