"""GPTQ: less error in what the layer puts out, and nothing else than another rounding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf_model.artifact.stored import store
from golf_model.config.export import ExportConfig
from golf_model.config.grids import StepConfig
from golf_model.config.rounding import GptqConfig
from golf_model.quantization import gptq as rule
from golf_model.quantization.gptq import Factors, Turn, inverse_factor, rounded_by_shape
from tests.fixtures.in_turn import rounded_in_turn


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
    by = GptqConfig(tokens=1, order=order)
    export = ExportConfig(rows="amax_float16", mlp=scheme, gptq=by, step=StepConfig(size=0.02), passthrough_numel=0)  # type: ignore[arg-type]
    name = "blocks.0.mlp.fc.weight"
    results = [store({name: matrix}, 1, export, h)[name] for h in (None, {name: inputs.T @ inputs})]
    nearest, in_turn = (output_error(matrix, result.decode(), inputs) for result in results)
    assert in_turn < 0.6 * nearest
    assert results[0].values.dtype == results[1].values.dtype
    assert results[0].scales is not None
    assert results[1].scales is not None
    assert torch.equal(results[0].scales, results[1].scales)


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


def one_at_a_time(matrix: Tensor, steps: Tensor, levels: int, order: Tensor, factor: Tensor) -> Tensor:
    """The rule as it was written before matrices went together."""
    rest, result = matrix[:, order].clone(), torch.empty_like(matrix)
    for begin in range(0, matrix.size(1), rule.GPTQ_BLOCK):
        block = rest[:, begin : begin + rule.GPTQ_BLOCK]
        end, errors = begin + block.size(1), torch.empty_like(block)
        for at in range(begin, end):
            values = block[:, at - begin]
            result[:, at] = torch.round(values * torch.where(steps > 0, 1.0 / steps, 0.0)).clamp_(-levels, levels)
            errors[:, at - begin] = (values - result[:, at] * steps) / factor[at, at]
            block[:, at - begin :] -= torch.outer(errors[:, at - begin], factor[at, at:end])
        rest[:, end:] -= errors @ factor[begin:end, end:]
    return result[:, torch.argsort(order)]


@pytest.mark.parametrize("most", [1, 2 * 60 * 200, 1 << 25])
@pytest.mark.parametrize("by", [GptqConfig(tokens=1, order=True), GptqConfig(tokens=1, zero_dead=True)])
def test_matrices_of_one_shape_together_are_to_the_bit_what_each_is_alone(
    by: GptqConfig, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule, "MOST_TOGETHER", most)
    turns = {}
    for number, (rows, columns) in enumerate([(60, 200), (30, 200), (60, 200), (60, 200)]):
        matrix, inputs = layer(columns, rows)
        inputs = inputs + number * torch.roll(inputs, 1, dims=1)
        inputs[:, number] = 0.0
        scales = torch.full((rows,), 0.01 + 0.001 * number).half()
        scales[number] = 0.0
        turns[str(number)] = Turn(matrix * (1 + number), scales, 31, inputs.T @ inputs)
    factors = Factors({name: turn.hessian for name, turn in turns.items()}, by)
    found = rounded_by_shape(turns, factors)
    assert found.keys() == turns.keys()
    for name, turn in turns.items():
        matrix = turn.matrix.clone()
        if by.zero_dead:
            matrix[:, int(name)] = 0.0
        assert torch.equal(found[name], one_at_a_time(matrix, turn.scales.float(), 31, *factors.of(name)))
        assert torch.equal(found[name], rounded_in_turn(turn.matrix, turn.scales, 31, turn.hessian, by))
