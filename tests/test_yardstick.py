"""The plain reference of benchmarks/train_step.py computes what ours computes: the comparison is of speed alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.train_step import job_config
from benchmarks.yardstick import make_network, our_side, plain_side, random_batches
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig

CPU = torch.device("cpu")


def small_case(name: str) -> GolfConfig:
    """A shipped job at its small profile, two sequences a micro-batch, Muon in fp32."""
    config = job_config(name, None if name == "quickstart" else "small")
    optim = replace(config.optim, muon_dtype="float32")
    return replace(config, optim=optim, batch=replace(config.batch, train_batch_tokens=512, micro_batches=2))


@pytest.mark.parametrize("name", ["quickstart", "pr372", "pr465", "baseline"])
def test_both_sides_lose_alike_for_three_steps(name: str) -> None:
    config = small_case(name)
    network = make_network(config, torch.float32, CPU)
    plain, ours = plain_side(config, network, False), our_side(config, network, False)
    batches = random_batches(config, CPU)
    for _ in range(3):
        assert float(plain.step(batches)) == pytest.approx(float(ours.step(batches)), abs=2e-4)


def test_the_reference_refuses_what_it_does_not_have() -> None:
    config = replace(small_case("baseline"), model=ModelConfig(num_layers=2, model_dim=64, tie_embeddings=False))
    network = make_network(config, torch.float32, CPU)
    with pytest.raises(ValueError, match="tied embeddings"):
        plain_side(config, network, False)
    config = job_config("pr1606", "small")
    network = make_network(config, torch.float32, CPU)
    with pytest.raises(ValueError, match="fake quantisation only"):
        plain_side(config, network, False)
