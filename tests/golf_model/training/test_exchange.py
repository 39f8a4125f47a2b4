"""Gradients in buckets: the mean over real processes whatever the buckets, sent while the backward pass goes on."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from golf_model.config.model import ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.rounding import GptqConfig
from golf_model.network.gpt import GPT
from golf_model.process.distributed import World
from golf_model.quantization.gptq import Factors
from golf_model.training.exchange import GradientExchange, bucketed
from golf_model.training.optimizers import build_optimizers
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from tests.fixtures.golden_cases import golden_network
from tests.fixtures.ranks import found_by_ranks

MODEL = ModelConfig(vocab_size=64, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2)
RANKS = 2


def micro_batches(rank: int) -> list[tuple[Tensor, Tensor]]:
    tokens = torch.randint(0, 64, (2, 2, 17), generator=torch.Generator().manual_seed(rank))
    return [(piece[:, :-1], piece[:, 1:]) for piece in tokens]


def network() -> GPT:
    built = golden_network(MODEL)
    built.tok_emb.to(torch.bfloat16)  # two precisions, as under PR #372's policy
    return built


def gradients(model: GPT) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def work_of_rank(rank: int, meeting: str) -> dict[str, Any]:
    """What process `rank` of two finds."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=RANKS)
    try:
        world = World(rank, RANKS, torch.device("cpu"))
        means = {}
        for most in (1, 3000, 1 << 20):
            model = network()
            parameters = list(model.parameters())
            parameters.insert(len(parameters) // 2, torch.nn.Parameter(torch.ones(3)))  # gets no gradient
            exchange = GradientExchange(parameters, RANKS, most)
            for _ in range(2):  # the second step finds no trace of the first
                model.zero_grad()
                accumulate_gradients(model, micro_batches(rank), 2, exchange)
                early = exchange.sent
                exchange.finish()
            means[most] = (gradients(model), early, len(exchange.buckets))
        weights = two_steps(rank, RANKS)
        rates = [world.after_step([10.0 * rank], torch.tensor(loss)) for loss in (2.0 + rank, math.nan, 3.0)]
        factors = Factors(hessians(), GptqConfig(tokens=1))
        factors.share(world)
        made = {name: factors.of(name) for name in factors}
        if rank:
            time.sleep(0.2)
        begun = time.perf_counter()
        world.rest()
        return {
            "means": means,
            "weights": weights,
            "after_step": rates,
            "factors": made,
            "rested": time.perf_counter() - begun,
        }
    finally:
        dist.destroy_process_group()


def hessians() -> dict[str, Tensor]:
    """Of five matrices, two of which share theirs."""
    generator = torch.Generator().manual_seed(4)
    inputs = [torch.randn(300, columns, generator=generator) for columns in (24, 96, 48, 24)]
    sums = [x.T @ x for x in inputs]
    return {"a": sums[0], "b": sums[1], "c": sums[2], "d": sums[3], "of b, too": sums[1]}


def two_steps(rank: int, size: int) -> list[Tensor]:
    """Weights after two optimizer steps of process `rank`, every process with the same gradients."""
    model = golden_network(MODEL)
    optimizers = build_optimizers(model, OptimConfig(muon_weight_decay=0.1), rank, size)
    for step in range(2):
        accumulate_gradients(model, micro_batches(step), 2)
        apply_gradients(optimizers, list(model.parameters()), 0.3)
    return [p.detach().clone() for p in model.parameters()]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    meeting = str(tmp_path_factory.mktemp("exchange") / "meeting")
    return found_by_ranks(work_of_rank, meeting, RANKS)


def test_both_processes_get_the_mean_to_the_bit_whatever_the_buckets(found: list[dict[str, Any]]) -> None:
    alone = []
    for rank in range(RANKS):
        model = network()
        accumulate_gradients(model, micro_batches(rank), 2)
        alone.append(gradients(model))
    for results in found:
        for means, _, _ in results["means"].values():
            assert means.keys() == alone[0].keys()
            for name, mean in means.items():
                assert torch.equal(mean, (alone[0][name] + alone[1][name]) / RANKS), name


def test_buckets_are_on_their_way_before_the_backward_pass_ends(found: list[dict[str, Any]]) -> None:
    for results in found:
        _, early, buckets = results["means"][1]
        assert 0 < early < buckets  # all those before the parameter that gets no gradient


def test_one_read_tells_the_latest_clock_any_bad_loss_and_the_own_loss(found: list[dict[str, Any]]) -> None:
    for rank, results in enumerate(found):
        good, bad, also_good = results["after_step"]
        assert good == ([10.0, 0.0], 2.0 + rank)
        assert bad[0] == [10.0, 1.0]
        assert also_good == ([10.0, 0.0], 3.0)


def test_shared_work_on_the_matrices_ends_in_the_bits_of_one_process(found: list[dict[str, Any]]) -> None:
    alone = two_steps(0, 1)
    for results in found:
        assert all(torch.equal(one, other) for one, other in zip(results["weights"], alone, strict=True))


def test_factors_made_in_shares_are_those_of_one_process_to_the_bit(found: list[dict[str, Any]]) -> None:
    alone = Factors(hessians(), GptqConfig(tokens=1))
    for results in found:
        assert results["factors"].keys() == alone.keys()
        for name, (order, factor) in results["factors"].items():
            assert torch.equal(order, alone.of(name)[0])
            assert torch.equal(factor, alone.of(name)[1])


def test_who_rests_waits_for_the_others(found: list[dict[str, Any]]) -> None:
    assert found[0]["rested"] > 0.1


def test_one_process_has_no_buckets_and_keeps_its_gradients() -> None:
    model = network()
    exchange = GradientExchange(model.parameters(), 1)
    accumulate_gradients(model, micro_batches(0), 2, exchange)
    before = gradients(model)
    exchange.finish()
    assert exchange.buckets == []
    assert all(torch.equal(before[name], gradient) for name, gradient in gradients(model).items())


def test_buckets_hold_every_parameter_once_last_ones_first_and_one_precision() -> None:
    parameters = list(network().parameters())
    buckets = bucketed(parameters, 3000)
    flat = [id(p) for bucket in buckets for p in bucket.parameters]
    assert sorted(flat) == sorted(id(p) for p in parameters)
    assert buckets[0].parameters[0] is parameters[-1]
    for bucket in buckets:
        assert len({p.dtype for p in bucket.parameters}) == 1
        assert sum(p.numel() for p in bucket.parameters[:-1]) < 3000
