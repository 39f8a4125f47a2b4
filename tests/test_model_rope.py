"""RMS norm and rotation: values, gradients, and what makes rotary positions relative."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from golf_model.rope import RMS_EPS, CpuRmsNorm, rms_norm, rope_frequencies, rope_tables, rotate, spread_tables


def tables(length: int, heads: int, head_dim: int) -> tuple[Tensor, Tensor]:
    cos, sin = rope_tables(rope_frequencies(head_dim, 10000.0, torch.float32), length)
    return spread_tables(cos, sin, heads, torch.float64)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
def test_norm_and_its_gradient_equal_torchs(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    values, direction = torch.randn(6, 5, 32).to(dtype), torch.randn(6, 5, 32).to(dtype)
    ours, torchs = (values.clone().requires_grad_() for _ in range(2))
    found, expected = rms_norm(ours), F.rms_norm(torchs, (32,), eps=RMS_EPS)
    assert found.dtype == dtype
    assert torch.allclose(found, expected, atol=tolerance)
    (ours_grad,), (torchs_grad,) = (
        torch.autograd.grad(y, x, direction) for y, x in ((found, ours), (expected, torchs))
    )
    assert torch.allclose(ours_grad, torchs_grad, atol=tolerance)


def test_norm_of_zeros_is_zero_with_a_finite_gradient() -> None:
    x = torch.zeros(2, 4, requires_grad=True)
    y = rms_norm(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert not y.any()
    assert gradient.isfinite().all()


def test_written_gradients_are_the_derivatives() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    cos, sin = tables(3, 2, 4)
    assert torch.autograd.gradcheck(CpuRmsNorm.apply, (x,))
    assert torch.autograd.gradcheck(lambda value: rotate(value, cos, sin), (x,))


def test_rotation_turns_halves_by_the_position() -> None:
    cos, sin = tables(3, 1, 2)
    x = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(3, 1, 2)
    angles = torch.arange(3, dtype=torch.float64)
    expected = torch.stack((angles.cos(), -angles.sin()), dim=-1)[:, None]
    assert torch.allclose(rotate(x, cos, sin), expected, atol=1e-6)


def test_product_of_rotated_vectors_depends_on_their_distance_only() -> None:
    torch.manual_seed(0)
    cos, sin = tables(12, 1, 8)
    q, k = (rotate(torch.randn(8, dtype=torch.float64).expand(12, 1, 8), cos, sin)[:, 0] for _ in range(2))
    scores = q @ k.T
    assert torch.allclose(scores[5, 2], scores[9, 6], atol=1e-6)
    assert not torch.allclose(scores[5, 2], scores[5, 3], atol=1e-3)
