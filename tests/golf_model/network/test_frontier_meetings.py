"""Where the frontier's techniques meet training and export: decay, precision, optimizers, containers, documents."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf_model.config.optim import OptimConfig
from golf_model.config.rounding import GptqConfig
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.network.segments import Documents
from golf_model.shapes import schemes
from golf_model.training.calibration import collect_hessians, watched
from golf_model.training.muon import Muon
from golf_model.training.optimizers import build_optimizers
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from runner.job.load import load_job
from tests.fixtures.golden_cases import golden_network
from tests.fixtures.places import JOBS
from tests.golf_model.network.test_frontier import WHOLE, close, tokens

FRONTIER = load_job(JOBS / "frontier.yaml").config
OF_ITS_OWN = {
    *("skip_weights", "skip_gates", "parallel_post_lambdas", "parallel_resid_lambdas", "smear_lambda"),
    *("smear_gate.weight", "attn_scale", "mlp_scale", "resid_mix", "attn.q_gain", "attn.attn_gate_w"),
}
"""Control tensors of the frontier, without their block."""


def kind(name: str) -> str:
    return name.split(".", 2)[2] if name.startswith("blocks.") else name


def test_skip_rows_of_the_loop_decay_before_it_begins_and_only_decay() -> None:
    optim = OptimConfig(scalar_lr=0.02, adam_weight_decay=0.02)
    network = golden_network(WHOLE, looped=False)
    before = network.skip_weights.detach().clone()
    optimizers = build_optimizers(network, optim)
    for _ in range(3):
        accumulate_gradients(network, [(tokens(), tokens())], 1)
        apply_gradients(optimizers, list(network.parameters()), 0.3)
    assert torch.allclose(network.skip_weights.detach()[3:], before[3:] * (1 - 0.02 * 0.02) ** 3, rtol=1e-6)
    assert float((network.skip_weights.detach()[:3] / before[:3] - 1).abs().max()) > 0.01


def test_control_tensors_are_fp32_in_the_model_adams_in_training_and_fp16_in_the_artifact() -> None:
    network = GPT(WHOLE, torch.bfloat16, "blocks", "chunked")
    apply_dtype_policy(network, WHOLE)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert {str(parameter.dtype) for name, parameter in network.named_parameters() if kind(name) in OF_ITS_OWN} == {
        "torch.float32"
    }
    for optimizer in build_optimizers(network, FRONTIER.optim):
        held = {kind(names[id(one)]) for group in optimizer.param_groups for one in group["params"]}
        assert not (held & OF_ITS_OWN) or not isinstance(optimizer, Muon)
        assert not (held & OF_ITS_OWN) or held == OF_ITS_OWN  # all of them in one group of their own
    stored = schemes(FRONTIER.model, FRONTIER.export)
    assert {kind(name) for name, scheme in stored.items() if scheme == "float16"} == OF_ITS_OWN


def test_the_gate_of_the_embedding_is_not_looked_at_for_rounding() -> None:
    seen = {matrix for some in watched(golden_network(WHOLE)).values() for matrix in some}
    assert len(seen) == 6 * WHOLE.num_layers
    assert all(name.startswith("blocks.") and kind(name) not in OF_ITS_OWN for name in seen)


def test_the_head_is_looked_at_behind_the_last_norm_of_both_lanes() -> None:
    network = golden_network(WHOLE, looped=True)
    found = collect_hessians(network, [tokens()], embed=True)["tok_emb.weight"]
    assert float(found.diagonal().sum()) == pytest.approx(64 * 64, rel=1e-4)  # 64 rows of length sqrt(64)
    once = collect_hessians(golden_network(WHOLE, looped=False), [tokens()], embed=True)["tok_emb.weight"]
    assert not torch.allclose(found, once, rtol=1e-3)


@pytest.mark.parametrize("length", [0, 8])
def test_rows_of_drawn_sequences_may_have_documents_apart_inside(length: int) -> None:
    network = golden_network(WHOLE, looped=True)
    network.documents = Documents(1, length)
    close(network, WHOLE, tokens(), segments=length)


def test_rounding_the_embedding_in_turn_is_asked_for_and_else_changes_no_bit() -> None:
    network = golden_network(WHOLE, looped=True)
    off, on = (replace(FRONTIER.export, gptq=GptqConfig(tokens=64, embed=embed)) for embed in (False, True))
    plain = collect_hessians(network, [tokens()], embed=off.gptq.embed)
    more = collect_hessians(network, [tokens()], embed=on.gptq.embed)
    assert more.keys() - plain.keys() == {"tok_emb.weight"}
    assert all(torch.equal(plain[name], more[name]) for name in plain)
