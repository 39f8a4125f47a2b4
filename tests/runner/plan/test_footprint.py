"""What training costs, against a real network and against counting by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf_model.config.average import AverageConfig
from golf_model.config.batch import BatchConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import BigramConfig, LoopConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.training.averaging import WeightAverage
from golf_model.training.optimizers import build_optimizers
from golf_model.training.trainer import accumulate_gradients
from runner.job.load import load_job
from runner.plan.footprint import flops, memory, processes
from tests.fixtures.model_jobs import job
from tests.fixtures.places import JOBS

TINY = GolfConfig(
    model=ModelConfig(vocab_size=64, num_layers=2, model_dim=64, num_heads=4, num_kv_heads=2),
    batch=BatchConfig(128, 32, 128, 2),
)
BIGRAM = BigramConfig(64, 16, embed_dtype="bfloat16")
LOGGED_PEAKS_MIB = {"baseline": 10184, "pr102": 11324, "pr102_head": 16964, "pr465": 18871, "pr1394": 35372}
"""`peak memory allocated` of the public runs that these jobs reproduce."""


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(TINY, model=replace(TINY.model, bigram=BIGRAM, smear="module", tok_emb_dtype="bfloat16")),
        replace(TINY, model=replace(TINY.model, tie_embeddings=False, smear="parameter")),
        replace(TINY, optim=OptimConfig(matrix_optimizer="adamw"), average=AverageConfig("ema")),
        replace(
            TINY,
            model=replace(TINY.model, tok_emb_dtype="bfloat16"),
            average=AverageConfig("swa", swa_every=1, swa_sum="native"),
        ),
        replace(
            TINY, model=replace(TINY.model, tok_emb_dtype="bfloat16"), runtime=RuntimeConfig(precision="float32")
        ),
    ],
    ids=["baseline", "bigram", "untied", "adamw and ema", "native swa", "float32"],
)
def test_weights_gradients_states_and_averages_are_those_of_a_real_step(config: GolfConfig) -> None:
    compute = torch.float32 if config.runtime.precision == "float32" else torch.bfloat16
    network = GPT(config.model, compute, "explicit", "plain")
    apply_dtype_policy(network, config.model)
    optimizers = build_optimizers(network, config.optim)
    ids = torch.arange(33)[None]
    accumulate_gradients(network, [(ids[:, :-1], ids[:, 1:])], 1)
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    for optimizer in optimizers:
        optimizer.step()
    states = [
        value
        for optimizer in optimizers
        for state in optimizer.state.values()
        for name, value in state.items()
        if name != "step"
    ]
    average = WeightAverage(config.average, network.state_dict())
    average.update(network.state_dict(), 1, 0.0)
    found = [
        sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        for tensors in (list(network.parameters()), gradients, states, list(average.sums.values()))
    ]
    expected = memory(config)
    assert found == [expected.weights, expected.gradients, expected.optimizer, expected.average]


def test_operations_of_the_official_baseline_by_hand() -> None:
    counted = flops(GolfConfig())
    block = 512 * 512 * 2 + 512 * 256 * 2 + 512 * 1024 * 2
    assert counted.matrices == 2 * 9 * block
    assert counted.head == 2 * 512 * 1024
    assert counted.attention == 9 * 4 * 512 * 1025 // 2
    assert counted.training == 3 * (counted.matrices + counted.head + counted.attention)


def test_a_bigram_table_is_looked_up_and_its_projection_multiplied() -> None:
    with_bigram = flops(replace(TINY, model=replace(TINY.model, bigram=BIGRAM)))
    assert with_bigram.forward - flops(TINY).forward == 2 * 64 * 16


def test_an_untied_head_costs_what_a_tied_one_does() -> None:
    assert flops(replace(TINY, model=replace(TINY.model, tie_embeddings=False))).forward == flops(TINY).forward


def test_a_layer_of_a_loop_counts_once_for_each_pass_and_before_the_loop_begins_once() -> None:
    looped = replace(TINY, model=replace(TINY.model, loop=LoopConfig(1, 1, 2, at=0.25)))
    looped = replace(looped, schedule=ScheduleConfig("steps", iterations=100))
    before, after = flops(TINY), flops(looped)
    assert (before.passes, after.passes) == (2, 4)
    assert (after.matrices, after.attention) == (2 * before.matrices, 2 * before.attention)
    assert after.head == before.head
    assert after.training == round(3 * (0.25 * before.forward + 0.75 * after.forward))


def test_more_processes_than_micro_batches_share_the_activations() -> None:
    assert memory(TINY, 4).activations * 2 == memory(TINY, 2).activations == memory(TINY).activations
    assert memory(TINY, 4).logits * 2 == memory(TINY, 2).logits == memory(TINY).logits == 64 * 64 * 8


@pytest.mark.parametrize("name", LOGGED_PEAKS_MIB)
def test_the_estimate_is_near_the_peak_that_the_public_run_logged(name: str) -> None:
    one = load_job(JOBS / f"{name}.yaml")
    total = memory(one.config, processes(one)).total / (1 << 20)
    assert 0.95 < total / LOGGED_PEAKS_MIB[name] < 1.01


def test_activations_are_near_what_autograd_keeps_of_the_official_baseline() -> None:
    length = 100
    config = replace(GolfConfig(), batch=BatchConfig(length, length, length, 1))
    network = GPT(config.model, torch.bfloat16, "sdpa", "plain")
    ids = torch.arange(length + 1)[None]
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if length in tensor.shape:  # the others are weights, of any precision
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(ids[:, :-1], ids[:, 1:], mean=True)
    found = sum(storage.nbytes() for storage in kept.values())
    expected = memory(config)
    assert expected.activations + expected.logits == pytest.approx(found, rel=0.15)


def test_processes_are_the_jobs_or_one_for_each_gpu() -> None:
    counts = [processes(job(**changes)) for changes in ({}, {"nproc": 3}, {"hardware": "cpu"}, {"hardware": "gpu"})]
    assert counts == [1, 3, 1, 1]
    assert processes(load_job(JOBS / "baseline.yaml")) == 8
