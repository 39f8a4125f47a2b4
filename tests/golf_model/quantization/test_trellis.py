"""The trellis: its search finds the best path, decodes to what it meant, and saves what theory says."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from golf_model.quantization.gptq import inverse_factor
from golf_model.quantization.trellis import NEXT_STATES, trellis_levels
from golf_model.quantization.trellis_search import trellis_search


def entropy(integers: Tensor) -> float:
    share = torch.unique(integers, return_counts=True)[1].double() / integers.numel()
    return float(-(share * share.log2()).sum())


@pytest.mark.parametrize("states", [4, 8])
def test_every_state_is_reached_by_two_ways(states: int) -> None:
    reached = sorted(state for following in NEXT_STATES[states] for state in following)
    assert reached == sorted([*range(states)] * 2)


@pytest.mark.parametrize("states", [4, 8])
def test_levels_follow_the_state(states: int) -> None:
    state, expected, indices = 0, [], [3, -2, 0, -5, 7, 1, 1, -1, 2, -3]
    for index in indices:
        expected.append(2 * index + state % 2)
        state = NEXT_STATES[states][state][index % 2]
    assert trellis_levels(torch.tensor([indices, indices]), states).tolist() == [expected, expected]


@pytest.mark.parametrize("states", [4, 8])
def test_a_tiny_row_gets_the_path_that_trying_all_finds(states: int) -> None:
    generator = torch.Generator().manual_seed(states)
    row = torch.randn(1, 1, 6, generator=generator)
    every = torch.tensor([*itertools.product(range(-3, 4), repeat=6)])
    away = trellis_levels(every, states).float() * 0.5 - row[0]
    best = away.square().sum(1).argmin()
    indices, metric = trellis_search(row, torch.full((1, 1), 0.5), None, states)
    assert indices[0, 0].tolist() == every[best].tolist()
    assert float(metric) == pytest.approx(float(away[best].square().sum()), rel=1e-5)


def correlated(columns: int) -> Tensor:
    """A Cholesky factor of uneven, correlated inputs."""
    generator = torch.Generator().manual_seed(3)
    mixed = torch.randn(columns, columns, generator=generator)
    inputs = torch.randn(4 * columns, columns, generator=generator) @ (torch.eye(columns) + 0.2 * mixed)
    inputs *= torch.randn(columns, generator=generator).exp()
    return inverse_factor(inputs.T @ inputs, 0.01)


@pytest.mark.parametrize("columns", [5, 40, 300])
def test_the_metric_is_that_of_the_decoded_weights(columns: int) -> None:
    factor, steps = correlated(columns), torch.tensor([[0.02, 0.05, 0.01], [0.03, 0.02, 0.04]])
    matrices = 0.1 * torch.randn(2, 3, columns, generator=torch.Generator().manual_seed(4))
    indices, metric = trellis_search(matrices, steps, factor.expand(2, columns, columns), 8)
    for one in range(2):
        back = trellis_levels(indices[one], 8).double() * steps[one][:, None].double()
        whitened = torch.linalg.solve(factor.double().T, (matrices[one].double() - back).T).square().sum(0)
        assert torch.allclose(whitened.float() * 1.0, metric[one], rtol=1e-3)


def test_matrices_searched_together_are_searched_as_alone() -> None:
    factor = correlated(24)
    matrices = torch.randn(3, 4, 24, generator=torch.Generator().manual_seed(5))
    steps, factors = torch.full((3, 4), 0.3), torch.stack([factor, 2 * factor, factor.sqrt().triu().nan_to_num(0.1)])
    together, _ = trellis_search(matrices, steps, factors, 4)
    for one in range(3):
        alone, _ = trellis_search(matrices[one : one + 1], steps[:1], factors[one : one + 1], 4)
        assert torch.equal(alone[0], together[one])


def test_feedback_makes_up_for_errors_that_the_layer_would_see() -> None:
    factor = correlated(64)
    matrix, steps = torch.randn(1, 32, 64, generator=torch.Generator().manual_seed(6)), torch.full((1, 32), 0.2)
    fed, _ = trellis_search(matrix, steps, factor[None], 8)
    blind, _ = trellis_search(matrix, steps, None, 8)
    damage = [
        float(torch.linalg.solve(factor.T, (matrix[0] - 0.2 * trellis_levels(found[0], 8)).T).square().sum())
        for found in (fed, blind)
    ]
    assert damage[0] < 0.6 * damage[1]


@pytest.mark.parametrize(("states", "theory"), [(4, 0.164), (8, 0.180)])
def test_independent_gaussians_cost_as_many_bits_less_as_theory_says(states: int, theory: float) -> None:
    values = torch.randn(1, 64, 1500, generator=torch.Generator().manual_seed(7))
    indices, metric = trellis_search(values, torch.full((1, 64), 0.12), None, states)
    error = float(metric.sum()) / values.numel()
    normal = torch.randn(1_000_000, generator=torch.Generator().manual_seed(8))
    low, high = 0.1, 1.0
    for _ in range(20):
        step = (low + high) / 2
        low, high = (
            (low, step)
            if float((torch.round(normal / step) * step - normal).square().mean()) > error
            else (step, high)
        )
    assert entropy(torch.round(normal / low)) - entropy(indices) == pytest.approx(theory, abs=0.01)


def test_indices_stay_within_sixteen_bits_and_keep_their_parity() -> None:
    values = torch.tensor([[[1e9, -1e9, 0.3, 5e8]]])
    indices, _ = trellis_search(values, torch.ones(1, 1), None, 8)
    assert int(indices.abs().max()) <= 32767
    assert torch.isfinite(trellis_levels(indices[0], 8)).all()
