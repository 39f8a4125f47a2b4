"""The factor of row scales that is solved for, and low-rank repairs in a file."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from golf_model.artifact.artifact import pack_model, unpack_model
from golf_model.artifact.fit_rows import pack_rows_to_fit
from golf_model.artifact.golf_container import write_golf
from golf_model.artifact.repairs import LEFT, with_factors
from golf_model.artifact.stored import Stored, store
from golf_model.config.checks import ConfigError
from golf_model.config.export import ExportConfig
from golf_model.config.grids import SdclipConfig, StepConfig
from golf_model.config.model import ModelConfig
from golf_model.config.rounding import GptqConfig, LqerConfig
from golf_model.network.gpt import GPT
from golf_model.process.errors import ScriptError
from golf_model.shapes import parameter_count

CODE = 20_000


def small_model(seed: int) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Weights of some spread, different for each seed."""
    model = ModelConfig(
        vocab_size=256 + 32 * (seed % 3), num_layers=2 + seed % 2, model_dim=64, num_heads=4, num_kv_heads=2
    )
    torch.manual_seed(seed)
    state = GPT(model, torch.float32, "explicit", "plain").state_dict()
    scale = torch.Generator().manual_seed(seed)
    return model, {name: value + 0.05 * torch.randn(value.shape, generator=scale) for name, value in state.items()}


def rule(cap: int, **changed: object) -> ExportConfig:
    export = ExportConfig(
        compressor="rans",
        embed="int7",
        mlp="int6",
        attn="int6",
        rows="sdclip",
        sdclip=SdclipConfig(embed=14.0, mlp=11.5, attn=13.0, solve=True),
        step=StepConfig(cap_bytes=cap),
        passthrough_numel=512,
        small_control="float16",
    )
    return replace(export, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 10))])
def test_script_and_artifact_land_in_the_last_thousandth_under_the_cap(seed: int) -> None:
    model, state = small_model(seed)
    cap = CODE + round(parameter_count(model) * (0.42 + 0.03 * (seed % 4)))
    hessians = {}
    if seed % 2:
        x = torch.randn(200, 64, generator=torch.Generator().manual_seed(seed))
        hessians = {name: x.T @ x for name, value in state.items() if value.ndim == 2 and value.size(1) == 64}
    export = rule(cap, gptq=GptqConfig(tokens=1, embed=True))
    packed, found = pack_rows_to_fit(state, model, export, CODE, hessians)
    assert 0.999 * cap <= CODE + len(packed.blob) <= cap
    assert found.total == CODE + len(packed.blob)
    assert unpack_model(packed.blob, model, export).keys() == state.keys()


def test_the_classes_keep_their_ratios() -> None:
    model, state = small_model(0)
    stored = [
        store(state, model.num_layers, rule(1, sdclip=SdclipConfig(14.0, 11.5, 13.0, factor=factor)))
        for factor in (1.0, 2.0)
    ]
    for name in ("tok_emb.weight", "blocks.0.mlp.fc.weight", "blocks.0.attn.proj.weight"):
        first, second = (one[name].scales for one in stored)
        assert first is not None
        assert second is not None
        assert torch.allclose(second.float(), 2 * first.float(), rtol=2e-3)


def test_a_model_that_fits_under_no_factor_is_refused_with_its_size() -> None:
    model, state = small_model(1)
    with pytest.raises(
        ScriptError, match=r"8 times as wide as configured .* over the cap of 21,000; make the model smaller"
    ):
        pack_rows_to_fit(state, model, rule(CODE + 1000), CODE)


def test_the_factor_is_solved_for_in_our_container_alone() -> None:
    with pytest.raises(ConfigError, match=r"sdclip\.solve"):
        rule(100, container="torch_shuffled", compressor="lzma")


# repairs -------------------------------------------------------------------------------------------------------


def repairing(**changed: int) -> ExportConfig:
    return rule(
        1, sdclip=SdclipConfig(40.0, 40.0, 40.0), lqer=LqerConfig(**{"rank": 4, "tensors": 3, "group": 64} | changed)
    )


@cache
def repaired() -> bytes:
    """The third model's file of repairs."""
    model, state = small_model(2)
    return pack_model(state, model, repairing()).blob


@cache
def unrepaired() -> bytes:
    """The same without any."""
    model, state = small_model(2)
    return pack_model(state, model, repairing(rank=0)).blob


def test_repaired_matrices_come_back_nearer_to_what_they_were_and_the_others_as_ever() -> None:
    model, state = small_model(2)
    plain = unpack_model(unrepaired(), model, repairing(rank=0))
    mended = unpack_model(repaired(), model, repairing())
    changed = [name for name in state if not torch.equal(plain[name], mended[name])]
    assert len(changed) == 3
    for name in changed:
        assert (mended[name] - state[name]).norm() < (plain[name] - state[name]).norm()


def test_without_repairs_the_file_is_the_same_to_the_byte() -> None:
    model, state = small_model(2)
    off = pack_model(state, model, repairing(rank=0, tensors=1, group=7)).blob
    assert off == pack_model(state, model, rule(1, sdclip=SdclipConfig(40.0, 40.0, 40.0))).blob


USUAL = ExportConfig(compressor="rans", embed="int8", mlp="int6", attn="int6", passthrough_numel=512)


@pytest.fixture(scope="module")
def usual() -> bytes:
    """The third model's file by rules that look at nothing."""
    model, state = small_model(2)
    return pack_model(state, model, USUAL).blob


@pytest.mark.parametrize(
    "changed",
    [
        {"sdclip": SdclipConfig(3.0, 4.0, 5.0, factor=2.0)},
        {"gptq": GptqConfig(embed=True, zero_dead=True, damping=0.5)},
        {"lqer": LqerConfig(rank=0, tensors=9, group=3)},
    ],
    ids=["rows by their largest weight", "nothing looked at", "no repairs"],
)
def test_settings_of_what_is_off_change_no_byte(changed: dict[str, object], usual: bytes) -> None:
    model, state = small_model(2)
    assert pack_model(state, model, replace(USUAL, **changed)).blob == usual  # type: ignore[arg-type]


def test_a_group_that_does_not_divide_the_factor_takes_a_row() -> None:
    model, state = small_model(2)
    export = repairing(group=100)
    assert unpack_model(pack_model(state, model, export).blob, model, export).keys() == state.keys()


def spoiled(name: str) -> bytes:
    """A file of repairs in which something is not as the rule writes it."""
    model, state = small_model(2)
    stored = with_factors(store(state, model.num_layers, repairing()))
    fake = Stored("int4", torch.zeros(9, dtype=torch.int8), torch.tensor(1.0), "float32")
    return write_golf(stored | {name: fake}, "rans")[0]


@pytest.mark.parametrize("name", ["tok_emb.weight" + LEFT, "nothing#right", "#left"])
def test_factors_of_no_matrix_are_refused(name: str) -> None:
    model, _ = small_model(2)
    with pytest.raises(ScriptError, match="do not fit this script's model"):
        unpack_model(spoiled(name), model, repairing())


def test_a_script_without_repairs_refuses_a_file_that_has_some() -> None:
    model, _ = small_model(2)
    with pytest.raises(ScriptError):
        unpack_model(repaired(), model, repairing(rank=0))
