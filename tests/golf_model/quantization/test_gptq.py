"""GPTQ: less error in what the layer puts out, and nothing else than another rounding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf_model.config import ExportConfig, GptqConfig
from golf_model.quantization.gptq import inverse_factor, rounded_in_turn
from golf_model.quantization.quantize import dequantize, quantize


def layer(columns: int = 200, rows: int = 60) -> tuple[Tensor, Tensor]:
    """A matrix and correlated inputs of it (samples, columns)."""
    generator = torch.Generator().manual_seed(3)
    mixing = torch.randn(columns, columns, generator=generator) / columns**0.5
    scales = torch.exp(torch.randn(columns, generator=generator))
    inputs = torch.randn(2000, columns, generator=generator) @ mixing * scales
    return torch.randn(rows, columns, generator=generator) * 0.05, inputs


def output_error(matrix: Tensor, rounded: Tensor, inputs: Tensor) -> float:
    return float(((matrix - rounded) @ inputs.T).square().mean())


@pytest.mark.parametrize("order", [True, False])
@pytest.mark.parametrize("scheme", ["int4", "int6", "step"])
def test_outputs_change_less_than_under_rounding_to_nearest(scheme: str, order: bool) -> None:
    matrix, inputs = layer()
    export = ExportConfig(rows="amax_float16", gptq=GptqConfig(tokens=1, order=order))
    results = [quantize(matrix, scheme, export, 0.02, h) for h in (None, inputs.T @ inputs)]  # type: ignore[arg-type]
    nearest, in_turn = (output_error(matrix, dequantize(*result, torch.float32), inputs) for result in results)
    assert in_turn < 0.6 * nearest
    assert results[0][0].dtype == results[1][0].dtype
    assert torch.equal(results[0][1], results[1][1])


def test_independent_inputs_of_one_size_leave_rounding_to_nearest() -> None:
    matrix, _ = layer()
    found = rounded_in_turn(matrix, torch.tensor(0.01), 10**6, torch.eye(200), GptqConfig(tokens=1))
    assert torch.equal(found, torch.round(matrix / torch.tensor(0.01)))


def test_levels_are_kept_and_a_row_of_scale_zero_becomes_zeros() -> None:
    matrix, inputs = layer()
    scales = torch.full((60,), 0.01)
    scales[7] = 0.0
    found = rounded_in_turn(matrix, scales, 3, inputs.T @ inputs, GptqConfig(tokens=1))
    assert float(found.abs().max()) == 3
    assert not found[7].any()


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    matrix, inputs = layer()
    inputs[:, 5] = 0.0
    found = rounded_in_turn(matrix, torch.tensor(0.02), 10**6, inputs.T @ inputs, GptqConfig(tokens=1))
    assert bool(torch.isfinite(found).all())
    assert torch.equal(found[:, 5], torch.round(matrix[:, 5] / torch.tensor(0.02)))


def test_the_factor_is_of_the_damped_inverse() -> None:
    _, inputs = layer(columns=40)
    hessian = inputs.T @ inputs
    damped = hessian.double() + 0.05 * hessian.diagonal().double().mean() * torch.eye(40, dtype=torch.float64)
    factor = inverse_factor(hessian, 0.05)
    assert torch.allclose((factor.T @ factor).double() @ damped, torch.eye(40, dtype=torch.float64), atol=1e-3)
    assert torch.equal(factor, factor.triu())
