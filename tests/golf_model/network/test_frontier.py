"""Lanes, gates, the smear that looks, loops and documents against the same written out plainly; and where they
meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golf_model.config.checks import ConfigError
from golf_model.config.model import AttentionGateConfig, LoopConfig, ModelConfig, ParallelConfig
from golf_model.network.attention import Past
from golf_model.network.block import Block
from golf_model.network.gpt import GPT
from golf_model.network.rope import rms_norm
from golf_model.network.segments import Documents
from golf_model.training.calibration import collect_hessians, watched
from golf_model.training.optimizers import split_parameters
from tests.fixtures.golden_cases import golden_network, golden_tokens
from tests.fixtures.naive_frontier import Naive

PLAIN = ModelConfig(
    vocab_size=64,
    num_layers=6,
    model_dim=64,
    num_heads=4,
    num_kv_heads=2,
    mlp_mult=4,
    mlp_activation="leaky_relu2",
    rope_dims=8,
    ln_scale=True,
    skip_gates=True,
    xsa_last_n=6,
)
WHOLE = replace(
    PLAIN,
    loop=LoopConfig(2, 3, 2),
    parallel=ParallelConfig("lanes", 4),
    attn_gate=AttentionGateConfig("window", 12, 0.5),
    smear="input",
)
VARIANTS = {
    "whole": WHOLE,
    "lanes from block 5": replace(WHOLE, parallel=ParallelConfig("lanes", 5)),
    "last lane of the mlp": replace(WHOLE, parallel=ParallelConfig("lanes", 4, "mlp")),
    "last lane of the attention": replace(WHOLE, parallel=ParallelConfig("lanes", 4, "attn")),
    "lanes with parameters alone": replace(WHOLE, parallel=ParallelConfig("lanes", 6)),
    "gate of scale 1": replace(WHOLE, attn_gate=AttentionGateConfig("window", 12, 1.0)),
    "double gate": replace(WHOLE, attn_gate=AttentionGateConfig("double")),
    "double gate of queries": replace(WHOLE, attn_gate=AttentionGateConfig("double_query")),
    "full gate": replace(WHOLE, attn_gate=AttentionGateConfig("full")),
    "no smear": replace(WHOLE, smear="off"),
    "smear into documents": replace(WHOLE, smear_bos=-1),
    "added skips": replace(WHOLE, skip_gates=False),
    "plain": PLAIN,
}


def tokens() -> Tensor:
    """(2, 32), with the begin of documents in both rows."""
    found = golden_tokens(64, 64)
    found[torch.tensor([13, 40, 41])] = 1
    return found.view(2, 32)


def close(network: GPT, model: ModelConfig, ids: Tensor, segments: int = -1) -> None:
    naive = Naive(model, network.state_dict())
    with torch.no_grad():
        found = network.logits(ids)
        expected = torch.stack([naive.logits(row, looped=network.looped, segments=segments) for row in ids])
    assert torch.allclose(found, expected, atol=2e-4), float((found - expected).abs().max())


@pytest.mark.parametrize("name", VARIANTS)
def test_the_network_is_the_one_that_is_written_out(name: str) -> None:
    model = VARIANTS[name]
    close(golden_network(model, looped=model.loop.times > 0), model, tokens())


def test_before_the_loop_begins_blocks_are_passed_once() -> None:
    close(golden_network(WHOLE, looped=False), WHOLE, tokens())


@pytest.mark.parametrize("length", [0, 16])
def test_documents_apart_see_nothing_of_each_other(length: int) -> None:
    network, row = golden_network(WHOLE, looped=True), tokens().view(1, -1)
    network.documents = Documents(1, length)
    close(network, WHOLE, row, segments=length)
    changed = row.clone()
    changed[0, :40] = (changed[0, :40] + 7) % 60 + 2
    with torch.no_grad():
        assert torch.equal(network.logits(row)[0, 41:], network.logits(changed)[0, 41:])


# where they meet -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("documents", [None, Documents(1, 8)])
@pytest.mark.parametrize("kernel", ["blocks", "sdpa"])
def test_last_positions_alone_are_those_of_the_whole(kernel: str, documents: Documents | None) -> None:
    network = GPT(WHOLE, torch.float32, kernel, "plain")  # type: ignore[arg-type]
    network.load_state_dict(golden_network(WHOLE).state_dict())
    network.documents = documents
    with torch.no_grad():
        whole, last = network.features(tokens()), network.features(tokens(), last=5)
    assert torch.allclose(whole[:, -5:], last, atol=1e-5)


def test_a_text_read_in_chunks_needs_a_past_for_each_pass() -> None:
    network = golden_network(replace(WHOLE, rope_dims=0), looped=True)
    assert network.passes == 10
    ids = tokens()
    with torch.no_grad():
        cos, sin, mask = network.position_tables(32, ids.device)
        x0 = network.embedded(ids)
        shape = (2, 16, network.kv_heads, network.head_dim)
        pasts = [Past(torch.zeros(shape), torch.zeros(shape)) for _ in range(network.passes)]
        unseen = torch.cat((torch.full((16, 16), float("-inf")), mask[:16, :16]), 1)
        first = network.through_blocks(x0[:, :16], cos, sin, unseen, pasts=pasts)
        second = network.through_blocks(x0[:, 16:], cos, sin, mask[16:], pasts=pasts)
        whole = network.through_blocks(x0, cos, sin, mask)
    assert torch.allclose(torch.cat((first, second), 1), whole, atol=2e-4)


def test_hessians_of_looped_blocks_are_sums_over_their_passes() -> None:
    ids = tokens()
    once, more = (collect_hessians(golden_network(WHOLE, looped=looped), [ids]) for looped in (False, True))
    name = "blocks.2.attn.c_q.weight"
    trace = {key: float(found[name].diagonal().sum()) for key, found in (("once", once), ("more", more))}
    # an input's rows have length sqrt(dim / (i + 1)), whatever is passed
    assert trace["once"] == pytest.approx(64 * 64 / 3, rel=1e-4)
    assert trace["more"] == pytest.approx(3 * trace["once"], rel=1e-4)


def test_gates_and_lanes_reach_neither_muon_nor_rounding() -> None:
    network = golden_network(replace(WHOLE, attn_gate=AttentionGateConfig("double")))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    embeddings, matrices, gains = split_parameters(network)
    assert sorted(names[id(one)] for one in (*embeddings, *matrices, *gains)) == sorted(names.values())
    assert {names[id(matrix)].split(".", 2)[2] for matrix in matrices} == {
        *(f"attn.{part}.weight" for part in ("c_q", "c_k", "c_v", "proj")),
        *("mlp.fc.weight", "mlp.proj.weight"),
    }
    assert not any("gate" in matrix for some in watched(network).values() for matrix in some)


def test_skip_rows_without_a_partner_before_the_loop_have_no_gradient() -> None:
    network = golden_network(WHOLE, looped=False)
    network(tokens(), tokens(), mean=True).backward()
    assert network.skip_weights.grad is not None
    used = network.skip_weights.grad.abs().sum(1) > 0
    assert used.tolist() == [True, True, True, False, False]


def test_lanes_that_would_begin_inside_the_loop_are_refused() -> None:
    with pytest.raises(ConfigError, match="not inside the loop"):
        replace(WHOLE, parallel=ParallelConfig("lanes", 3))


@pytest.mark.parametrize(
    "changed",
    [
        {"rope_dims": 16},
        {"loop": LoopConfig(2, 3, 0)},
        {"parallel": ParallelConfig("off", 3, "mlp")},
        {"attn_gate": AttentionGateConfig("off", 5, 0.25, 0.1)},
        {"smear_width": 3, "smear_bos": 7},
        {"embed_dim": 64},
    ],
    ids=["whole heads turn", "no pass again", "lanes off", "gate off", "smear off", "embedding of full width"],
)
def test_what_is_off_changes_no_bit(changed: dict[str, object]) -> None:
    usual = replace(PLAIN, rope_dims=0, ln_scale=False, skip_gates=False)
    other = replace(usual, **changed)  # type: ignore[arg-type]
    found = []
    for model in (usual, other):
        torch.manual_seed(3)
        network = GPT(model, torch.float32, "explicit", "plain")
        loss = network(tokens(), tokens(), mean=True)
        loss.backward()
        found.append((loss.detach(), [parameter.grad for parameter in network.parameters()]))
    (one, before), (two, after) = found
    assert torch.equal(one, two)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True) if a is not None and b is not None)


def test_inputs_are_smaller_by_their_factor_alone_and_without_it_to_the_bit_as_they_were() -> None:
    usual = replace(PLAIN, ln_scale=False)
    networks = [golden_network(replace(usual, ln_scale=on)) for on in (False, True)]
    off, on = (network.logits(tokens()) for network in networks)
    assert not torch.equal(off, on)
    for block in networks[1].blocks:
        assert isinstance(block, Block)
        block.factor = 1.0
    assert torch.equal(networks[1].logits(tokens()), off)


def test_skips_without_gates_have_no_parameter_and_are_added_to_the_bit() -> None:
    usual = replace(PLAIN, skip_gates=False, num_layers=2, xsa_last_n=0)
    network = golden_network(usual)
    assert not any("skip_gates" in name for name in network.state_dict())
    (first, second), ids = network.blocks, tokens()
    start, seen = network.embedded(ids), network.position_tables(32, ids.device)
    between = first(start, start, *seen)
    expected = second(torch.addcmul(between, network.skip_weights[0], between), start, *seen)
    assert torch.equal(network.features(ids), rms_norm(expected, network.norm_eps))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while tracing
@pytest.mark.parametrize("documents", [None, pytest.param(Documents(1, 8), marks=pytest.mark.slow)])
@pytest.mark.slow
def test_both_modes_compile_as_one_graph_each(documents: Documents | None) -> None:
    few = replace(WHOLE, num_layers=3, xsa_last_n=3, loop=LoopConfig(1, 1, 1), parallel=ParallelConfig("lanes", 2))
    network = golden_network(few)
    network.documents = documents
    network.position_tables(32, torch.device("cpu"))
    torch.compiler.reset()
    graphs = []

    def count(module: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(module)
        return module

    compiled = torch.compile(network, backend=count, fullgraph=True, dynamic=False)
    found = []
    for looped in (False, True, False, True):
        network.looped = looped
        mine, usual = (float(model(tokens(), tokens(), mean=True).detach()) for model in (compiled, network))
        assert mine == pytest.approx(usual, abs=1e-4)
        found.append(mine)
    assert len(graphs) == 2
    assert found[:2] == found[2:]
    assert found[0] != found[1]
