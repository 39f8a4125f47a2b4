"""RMS norm and rotation: values, gradients, and what makes rotary positions relative."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from golf_model.config.model import ModelConfig
from golf_model.network.gpt import GPT
from golf_model.network.rope import (
    NormEps,
    ntk_base,
    rms_norm,
    rope_frequencies,
    rope_tables,
    rotate,
    spread_tables,
)


def tables(length: int, heads: int, head_dim: int) -> tuple[Tensor, Tensor]:
    cos, sin = rope_tables(rope_frequencies(head_dim, 10000.0, torch.float32), length)
    return spread_tables(cos, sin, heads, torch.float64)


@pytest.mark.parametrize(
    ("dtype", "eps", "of", "tolerance"),
    [
        (torch.float32, "float32", torch.float32, 1e-6),
        (torch.bfloat16, "float32", torch.float32, 2e-2),
        (torch.bfloat16, "compute", torch.bfloat16, 2e-2),
    ],
)
def test_norm_and_its_gradient_equal_torchs(
    dtype: torch.dtype, eps: NormEps, of: torch.dtype, tolerance: float
) -> None:
    torch.manual_seed(0)
    values, direction = (0.1 * torch.randn(6, 5, 32)).to(dtype), (0.1 * torch.randn(6, 5, 32)).to(dtype)
    ours, torchs = (values.clone().requires_grad_() for _ in range(2))
    found, expected = rms_norm(ours, eps), F.rms_norm(torchs, (32,), eps=torch.finfo(of).eps)
    assert found.dtype == dtype
    assert torch.allclose(found, expected, atol=tolerance)
    (ours_grad,), (torchs_grad,) = (
        torch.autograd.grad(y, x, direction) for y, x in ((found, ours), (expected, torchs))
    )
    assert torch.allclose(ours_grad, torchs_grad, atol=tolerance)


def test_norm_of_zeros_is_zero_with_a_finite_gradient() -> None:
    x = torch.zeros(2, 4, requires_grad=True)
    y = rms_norm(x, "float32")
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert not y.any()
    assert gradient.isfinite().all()


def test_written_gradients_are_the_derivatives() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    cos, sin = tables(3, 2, 4)
    assert torch.autograd.gradcheck(lambda x: rms_norm(x, "float32"), (x,))
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


def test_ntk_base_grows_only_beyond_the_training_length() -> None:
    assert ntk_base(10000.0, 16, 16, 16) == 10000.0
    assert ntk_base(10000.0, 16, 4096, 0) == 10000.0
    assert ntk_base(10000.0, 16, 32, 16) == pytest.approx(22081.79, abs=0.01)


@pytest.mark.parametrize(("train_length", "same"), [(0, True), (32, True), (31, False)])
def test_ntk_changes_the_tables_of_longer_sequences_only(train_length: int, same: bool) -> None:
    def cosines(ntk: int) -> Tensor:
        model = ModelConfig(
            vocab_size=8, num_layers=1, model_dim=32, num_heads=2, num_kv_heads=1, rope_ntk_seq_len=ntk
        )
        return GPT(model, torch.float32, "explicit", "chunked").position_tables(32, torch.device("cpu"))[0]

    assert torch.equal(cosines(0), cosines(train_length)) is same


@pytest.mark.parametrize(
    ("table", "dtype"),
    [("float32", torch.float32), ("bfloat16", torch.bfloat16), ("bfloat16_frequencies", torch.float32)],
)
def test_precision_of_the_frequencies_is_the_configured_one(table: str, dtype: torch.dtype) -> None:
    model = ModelConfig(vocab_size=8, num_layers=1, model_dim=32, num_heads=2, num_kv_heads=1, rope_table=table)  # type: ignore[arg-type]
    frequencies = GPT(model, torch.bfloat16, "explicit", "chunked").get_buffer("rope_frequencies")
    assert frequencies.dtype == dtype
    rounded = frequencies.to(torch.bfloat16).to(dtype)
    assert torch.equal(frequencies, rounded) is (table != "float32")
