"""SmearGate: its formula, its two places in the state_dict, and off means off to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
import torch

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.network.gpt import GPT
from golf_model.network.smear import smear
from golf_model.shapes import parameter_shapes
from golf_model.training.optimizers import split_parameters
from tests.fixtures.golden_cases import golden_tokens

TINY = ModelConfig(
    vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2, bigram=BigramConfig(128, 16)
)
Form = Literal["module", "parameter"]


def fresh(model: ModelConfig) -> GPT:
    torch.manual_seed(5)
    return GPT(model, torch.float32, "explicit", "chunked")


def test_each_channel_mixes_with_the_position_before_and_the_first_with_nothing() -> None:
    x = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]])
    gate = torch.tensor([0.0, -1e9])
    assert smear(x, gate).tolist() == [[[0.5, 10.0], [1.5, 20.0], [3.0, 40.0]]]


@pytest.mark.parametrize("form", ["module", "parameter"])
def test_off_leaves_no_trace_in_names_or_weights(form: Form) -> None:
    off, on = fresh(TINY).state_dict(), fresh(replace(TINY, smear=form)).state_dict()
    assert set(on) - set(off) == {"smear.gate" if form == "module" else "smear_gate"}
    assert all(torch.equal(on[name], off[name]) for name in off)


def test_closed_gate_is_bit_identical_to_off() -> None:
    off, on = fresh(TINY), fresh(replace(TINY, smear="module"))
    assert on.smear is not None
    with torch.no_grad():
        on.smear.gate.fill_(-1e9)
    ids = golden_tokens(32, 64).view(1, 32)
    assert torch.equal(off.logits(ids), on.logits(ids))


def test_both_forms_compute_the_same() -> None:
    ids = golden_tokens(32, 64).view(1, 32)
    module, parameter = fresh(replace(TINY, smear="module")), fresh(replace(TINY, smear="parameter"))
    assert torch.equal(module.logits(ids), parameter.logits(ids))
    assert not torch.equal(module.logits(ids), fresh(TINY).logits(ids))


@pytest.mark.parametrize(
    ("model", "head", "tail"),
    [
        (
            replace(TINY, smear="module"),
            ["tok_emb.weight", "bigram.scale", "bigram.embed.weight", "bigram.proj.weight", "smear.gate"],
            "blocks.1.mlp.proj.weight",
        ),
        (
            replace(TINY, smear="parameter", bigram=BigramConfig(128, 16, placement="last")),
            ["smear_gate", "tok_emb.weight", "blocks.0.attn_scale"],
            "bigram.proj.weight",
        ),
    ],
)
def test_names_stand_in_the_order_of_the_originals(model: ModelConfig, head: list[str], tail: str) -> None:
    names = list(fresh(model).state_dict())
    assert names == list(parameter_shapes(model))
    assert (names[1 : 1 + len(head)], names[-1]) == (head, tail)


def test_gate_is_trained_as_a_gain_in_the_originals_place() -> None:
    for form, at in (("module", -2), ("parameter", -1)):
        network = fresh(replace(TINY, smear=form))  # type: ignore[arg-type]
        names = {id(parameter): name for name, parameter in network.named_parameters()}
        assert "smear" in names[id(split_parameters(network)[2][at])]
