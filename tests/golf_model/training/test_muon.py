"""Newton-Schulz and the optimizer around it."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from golf_model.training.muon import (
    COEFFICIENTS,
    NEWTON_SCHULZ,
    POLAR_EXPRESS,
    Coefficients,
    Muon,
    orthogonalise,
    rows_normalised,
)


@pytest.mark.parametrize("shape", [(16, 16), (24, 8), (8, 24)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape), 5, torch.float32))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3


def test_batch_of_matrices_equals_each_alone() -> None:
    torch.manual_seed(0)
    stack = torch.randn(3, 12, 6) * torch.tensor([1.0, 1e-3, 50.0])[:, None, None]
    found = orthogonalise(stack, 5, torch.float32)
    for matrix, result in zip(stack, found, strict=True):
        assert torch.allclose(orthogonalise(matrix, 5, torch.float32), result, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 48, 48), (3, 64, 24), (24, 64)])
@pytest.mark.parametrize("coefficients", [NEWTON_SCHULZ, POLAR_EXPRESS])
def test_without_bfloat16_instructions_the_numbers_are_those_of_bfloat16(
    shape: tuple[int, ...], coefficients: Coefficients, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    found = {}
    for fast in (True, False):
        monkeypatch.setattr("golf_model.training.muon.has_fast_bfloat16", lambda device, fast=fast: fast)
        found[fast] = orthogonalise(matrices, 5, torch.bfloat16, coefficients)
    exact = orthogonalise(matrices, 5, torch.float32, coefficients)
    assert found[True].dtype == found[False].dtype == torch.bfloat16
    apart = (found[True].float() - found[False].float()).norm() / exact.norm()
    rounding = (found[True].float() - exact).norm() / exact.norm()
    assert rounding > 1e-3  # bfloat16 is not float32 here
    assert apart < rounding
    one = orthogonalise(matrices, 1, torch.bfloat16, coefficients).float()
    monkeypatch.setattr("golf_model.training.muon.has_fast_bfloat16", lambda device: True)
    steps = (one - orthogonalise(matrices, 1, torch.bfloat16, coefficients).float()).abs() / one.abs().clamp_min(1e-3)
    assert float((steps > 0).float().mean()) < 0.1  # one product apart only where sums were added in another order


def test_zero_gradient_leaves_the_matrix_finite_and_still() -> None:
    matrix = torch.ones(4, 4, requires_grad=True)
    matrix.grad = torch.zeros(4, 4)
    Muon([matrix], lr=0.1, momentum=0.9, backend_steps=5, dtype=torch.float32).step()
    assert torch.equal(matrix.detach(), torch.ones(4, 4))


def test_tall_matrices_take_longer_steps() -> None:
    torch.manual_seed(0)
    tall, wide = (torch.zeros(shape, requires_grad=True) for shape in ((16, 4), (4, 16)))
    gradient = torch.randn(16, 4)
    tall.grad, wide.grad = gradient.clone(), gradient.T.clone()
    Muon([tall, wide], lr=0.1, momentum=0.0, backend_steps=5, dtype=torch.float32).step()
    assert torch.allclose(tall.detach(), 2.0 * wide.detach().T, atol=1e-5)


def test_momentum_remembers_the_gradients_before() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(6, 6), torch.randn(6, 6)
    matrix = torch.zeros(6, 6, requires_grad=True)
    muon = Muon([matrix], lr=1.0, momentum=0.5, backend_steps=5, dtype=torch.float32)
    for gradient in (first, second):
        before = matrix.detach().clone()
        matrix.grad = gradient.clone()
        muon.step()
    looked_ahead = second + 0.5 * (0.5 * first + second)
    assert torch.allclose(before - matrix.detach(), orthogonalise(looked_ahead, 5, torch.float32), atol=1e-5)


def test_dealing_matrices_to_processes_changes_nothing() -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(shape) for shape in ((6, 4), (4, 6), (6, 4))]

    def update_of(rank: int, size: int) -> list[torch.Tensor]:
        matrices = [torch.zeros(g.shape, requires_grad=True) for g in gradients]
        for matrix, gradient in zip(matrices, gradients, strict=True):
            matrix.grad = gradient.clone()
        muon = Muon(matrices, lr=1.0, momentum=0.9, backend_steps=5, dtype=torch.float32, rank=rank, world_size=size)
        return muon.share_of_updates(muon.param_groups[0])

    alone = update_of(0, 1)
    dealt = [sum(parts, torch.zeros(())) for parts in zip(*(update_of(rank, 2) for rank in range(2)), strict=True)]
    for found, expected in zip(dealt, alone, strict=True):
        assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("order", ["before", "after"])
def test_weight_decay_comes_before_or_after_the_update(order: Literal["before", "after"]) -> None:
    matrix = torch.ones(4, 4, requires_grad=True)
    matrix.grad = torch.ones(4, 4)
    update = torch.ones(4, 4, requires_grad=True)
    update.grad = torch.ones(4, 4)
    settings = {"momentum": 0.9, "backend_steps": 5, "dtype": torch.float32}
    Muon([update], lr=0.5, **settings).step()  # type: ignore[arg-type]
    Muon([matrix], lr=0.5, weight_decay=0.2, decay_order=order, **settings).step()  # type: ignore[arg-type]
    moved = 1.0 - update.detach()
    assert torch.allclose(matrix.detach(), 0.9 - moved if order == "before" else (1.0 - moved) * 0.9)


@pytest.mark.parametrize("order", ["before", "after"])
def test_no_weight_decay_is_bit_identical_in_either_order(order: Literal["before", "after"]) -> None:
    torch.manual_seed(0)
    gradient = torch.randn(4, 4)
    found = []
    for settings in ({}, {"weight_decay": 0.0, "decay_order": order}):
        matrix = torch.ones(4, 4, requires_grad=True)
        matrix.grad = gradient.clone()
        Muon([matrix], lr=0.1, momentum=0.9, backend_steps=5, dtype=torch.float32, **settings).step()  # type: ignore[arg-type]
        found.append(matrix.detach())
    assert torch.equal(found[0], found[1])


def test_normalised_rows_have_length_one_and_zeros_stay() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(2, 5, 3) * torch.tensor([1.0, 1e-3, 40.0, 0.0, 2.0])[:, None]
    lengths = rows_normalised(matrix).norm(dim=-1)
    assert torch.allclose(lengths, torch.tensor([1.0, 1.0, 1.0, 0.0, 1.0]).expand(2, 5), atol=1e-5)


def test_updates_of_normalised_rows_do_not_see_how_large_rows_were() -> None:
    torch.manual_seed(0)
    gradient = torch.randn(6, 8)
    found = []
    for factor in (torch.ones(6), torch.tensor([1.0, 30.0, 0.1, 2.0, 5.0, 0.5])):
        matrix = torch.zeros(6, 8, requires_grad=True)
        matrix.grad = gradient * factor[:, None]
        muon = Muon([matrix], lr=1.0, momentum=0.0, backend_steps=5, dtype=torch.float32, row_normalise=True)
        muon.step()
        found.append(matrix.detach())
    assert torch.allclose(found[0], found[1], atol=1e-5)


def test_polar_express_brings_singular_values_nearer_to_one_than_the_classic_iteration() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(24, 16)
    spread = []
    for coefficients in (NEWTON_SCHULZ, POLAR_EXPRESS):
        values = torch.linalg.svdvals(orthogonalise(matrix, 5, torch.float32, coefficients))
        spread.append(float(values.max() - values.min()))
    assert spread[1] < 0.6 * spread[0]


def test_without_normalised_rows_and_other_coefficients_it_is_the_baselines_muon_to_the_bit() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(12, 8, requires_grad=True)
    expected, momentum = matrix.detach().clone(), torch.zeros(12, 8)
    muon = Muon(
        [matrix],
        lr=0.1,
        momentum=0.9,
        backend_steps=5,
        dtype=torch.float32,
        row_normalise=False,
        coefficients=COEFFICIENTS["classic"],
    )
    for _ in range(3):
        matrix.grad = torch.randn(12, 8)
        muon.step()
        momentum.mul_(0.9).add_(matrix.grad)
        x = matrix.grad.add(momentum, alpha=0.9)
        x = (x / (x.norm() + 1e-7)).T[None]
        for _ in range(5):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
        expected.add_(x[0].T * 1.5**0.5, alpha=-0.1)
    assert torch.equal(matrix.detach(), expected)


def test_more_than_five_iterations_of_polar_express_are_five() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(8, 8)
    five, nine = (orthogonalise(matrix, steps, torch.float32, POLAR_EXPRESS) for steps in (5, 9))
    assert torch.equal(five, nine)
