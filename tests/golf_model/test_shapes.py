"""What the configuration says about parameters and stored elements, against what torch builds and packs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf_model.artifact.stored import payload_size, store
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.network.gpt import GPT
from golf_model.shapes import is_control, parameter_count, parameter_shapes, payload_bytes, schemes
from tests.fixtures.golden_configs import CONFIG_102, CONFIG_160, CONFIG_372, CONFIG_465, CONFIG_1606

models = st.builds(
    lambda layers, heads, group, width, mult, vocab, buckets: ModelConfig(
        vocab_size=vocab,
        num_layers=layers,
        model_dim=heads * group * 2 * width,
        num_heads=heads * group,
        num_kv_heads=heads,
        mlp_mult=mult,
        bigram=BigramConfig(buckets, 8),
    ),
    st.integers(1, 4),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(2, 70),
    st.sampled_from([0, 2, 65]),
)


@settings(max_examples=25, deadline=None)
@given(models, st.integers(0, 3000))
def test_shapes_and_stored_bytes_are_those_of_the_built_network(model: ModelConfig, passthrough: int) -> None:
    network = GPT(model, torch.float32, "explicit", "plain")
    state = network.state_dict()
    assert [(name, tuple(value.shape)) for name, value in state.items()] == list(parameter_shapes(model).items())
    assert sum(parameter.numel() for parameter in network.parameters()) == parameter_count(model)
    export = ExportConfig(passthrough_numel=passthrough)
    assert payload_bytes(model, export) == payload_size(store(state, model.num_layers, export), export)


def test_defaults_are_the_official_baseline() -> None:
    assert parameter_count(ModelConfig()) == 17_059_912
    assert payload_bytes(ModelConfig(), ExportConfig()) == 17_178_912


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (CONFIG_102, 22_368_841),
        (CONFIG_160, 21_778_504),
        (CONFIG_372, 26_666_073),
        (CONFIG_465, 24_730_705),
        (CONFIG_1606, 20_725_304),
    ],
    ids=["102", "160", "372", "465", "1606"],
)
def test_originals_have_as_many_parameters_as_they_were_counted_to_have(config: GolfConfig, count: int) -> None:
    assert parameter_count(config.model) == count


def test_bigram_stands_where_the_original_has_it() -> None:
    names = list(parameter_shapes(ModelConfig(bigram=BigramConfig(4096, 128))))
    assert names[1:5] == ["tok_emb.weight", "bigram.scale", "bigram.embed.weight", "bigram.proj.weight"]
    assert parameter_count(ModelConfig(bigram=BigramConfig(4096, 128))) == 17_059_912 + 1 + 4096 * 128 + 512 * 128


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("blocks.0.attn.q_gain", True),
        ("skip_weights", True),
        ("blocks.0.attn.c_q.weight", False),
        ("bigram.scale", False),
    ],
)
def test_gains_and_mixes_are_known_by_name(name: str, control: bool) -> None:
    assert is_control(name) is control


def test_added_control_names_are_stored_as_floats_of_four_bytes() -> None:
    model = ModelConfig(bigram=BigramConfig(64, 128))
    plain, added = (schemes(model, ExportConfig(more_control=more)) for more in ("", "smear,bigram"))
    moved = {name for name in plain if plain[name] != added[name]}
    assert moved == {"bigram.scale", "bigram.embed.weight", "bigram.proj.weight"}
    assert {(plain[name], added[name]) for name in moved} == {("float16", "float32")}
