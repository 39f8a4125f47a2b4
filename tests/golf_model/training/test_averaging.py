"""Averages of the weights: their formulas, when SWA samples, and what is loaded in the end."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf_model.config.average import AverageConfig
from golf_model.training.averaging import WeightAverage


def weights(value: float, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    return {"w": torch.full((3,), value, dtype=dtype)}


def test_ema_starts_from_the_initial_weights() -> None:
    average = WeightAverage(AverageConfig("ema", ema_decay=0.75), weights(8.0))
    assert average.weights()["w"].tolist() == [8.0] * 3
    average.update(weights(4.0), 1, 1.0)
    average.update(weights(0.0), 2, 1.0)
    assert average.weights()["w"].tolist() == [5.25] * 3


def test_ema_of_bfloat16_weights_is_kept_in_float32_and_cast_when_loaded() -> None:
    average = WeightAverage(AverageConfig("ema", ema_decay=0.999), weights(1.0, torch.bfloat16))
    average.update(weights(2.0, torch.bfloat16), 1, 1.0)
    assert average.weights()["w"][0].item() == pytest.approx(1.001)
    target = weights(0.0, torch.bfloat16)
    average.load_into(target)
    assert target["w"].tolist() == [1.0] * 3


def test_ema_is_bit_for_bit_one_weight_after_the_other() -> None:
    torch.manual_seed(0)
    live = {"a": torch.randn(40, 3), "b": torch.randn(7).to(torch.bfloat16), "c": torch.randn(())}
    average = WeightAverage(AverageConfig("ema", ema_decay=0.997), live)
    expected = {name: value.float().clone() for name, value in live.items()}
    for step in range(3):
        for value in live.values():
            value.copy_(torch.randn(value.shape))
        average.update(live, step + 1, 1.0)
        for name, value in live.items():
            expected[name] = expected[name].mul_(0.997).add_(value.float(), alpha=1.0 - 0.997)
    assert all(torch.equal(average.weights()[name], value) for name, value in expected.items())


def test_initial_weights_are_copied_not_kept() -> None:
    live = weights(1.0)
    average = WeightAverage(AverageConfig("ema", ema_decay=0.5), live)
    live["w"].zero_()
    assert average.weights()["w"].tolist() == [1.0] * 3


def test_swa_samples_every_k_steps_below_its_multiplier() -> None:
    average = WeightAverage(AverageConfig("swa", swa_start_multiplier=0.5, swa_every=2), weights(100.0))
    for step, multiplier in ((2, 0.5), (3, 0.4), (4, 0.4), (5, 0.3), (6, 0.2)):
        average.update(weights(float(step)), step, multiplier)
    assert average.samples == 2
    assert average.weights()["w"].tolist() == [5.0] * 3


@pytest.mark.parametrize(("samples", "expected"), [(0, 7.0), (1, 7.0), (2, 2.0)])
def test_swa_of_fewer_than_two_samples_leaves_the_last_weights(samples: int, expected: float) -> None:
    average = WeightAverage(AverageConfig("swa", swa_every=1), weights(7.0))
    for step in range(samples):
        average.update(weights(2.0), step + 1, 0.1)
    live = weights(7.0)
    average.load_into(live)
    assert live["w"].tolist() == [expected] * 3


@pytest.mark.parametrize(("precision", "exact"), [("float32", True), ("native", False)])
def test_only_sums_in_native_precision_lose_bfloat16_samples(precision: str, exact: bool) -> None:
    torch.manual_seed(0)
    sample = {"w": torch.randn(4096).to(torch.bfloat16)}
    average = WeightAverage(AverageConfig("swa", swa_every=1, swa_sum=precision), sample)  # type: ignore[arg-type]
    for step in range(29):
        average.update(sample, step + 1, 0.1)
    error = (average.weights()["w"].float() - sample["w"].float()).norm() / sample["w"].float().norm()
    assert (float(error) < 1e-6) is exact
