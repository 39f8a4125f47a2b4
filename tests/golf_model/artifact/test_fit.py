"""Rate control: the size lands just under the cap, or the run says what would fit."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from golf_model.artifact.artifact import pack_model, unpack_model
from golf_model.artifact.fit import MOST_TRIES, WINDOW, SizeModel, find_step, pack_to_fit, sized
from golf_model.config.checks import ConfigError
from golf_model.config.export import ExportConfig
from golf_model.config.grids import StepConfig
from golf_model.config.model import ModelConfig
from golf_model.process.errors import ScriptError
from golf_model.quantization.gptq import Factors
from golf_model.shapes import parameter_shapes, step_size

MODEL = ModelConfig(vocab_size=256, num_layers=2, model_dim=128, num_heads=2, num_kv_heads=1)
EXPORT = ExportConfig(
    compressor="rans", embed="step", mlp="step", attn="step", passthrough_numel=1024, step=StepConfig(coarsest=0.5)
)
CODE = 20_000


def weights(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for name, shape in parameter_shapes(MODEL).items():
        value = torch.randn(shape, generator=generator) * 0.05
        if value.ndim == 2:
            value *= torch.exp(0.4 * torch.randn(len(value), 1, generator=generator))
        made[name] = value
    return made


@pytest.mark.parametrize(("cap", "seed"), [(120_000, 0), (140_000, 1), (200_000, 0), (280_000, 1)])
def test_script_and_artifact_land_in_the_last_thousandth_under_the_cap(cap: int, seed: int) -> None:
    export = replace(EXPORT, step=replace(EXPORT.step, cap_bytes=cap))
    packed, step = pack_to_fit(weights(seed), MODEL, export, CODE)
    assert WINDOW * cap <= CODE + len(packed.blob) <= cap
    assert step.total == CODE + len(packed.blob)
    back = unpack_model(packed.blob, MODEL, export)
    for name, value in weights(seed).items():
        half = step_size(name, sized(export, step.size)) / 2
        assert float((back[name] - value).abs().max()) <= max(1.01 * half, 1e-3)


def test_hessians_keep_the_size_under_the_cap() -> None:
    hessians = {"blocks.0.mlp.fc.weight": torch.eye(128) + 0.5, "blocks.1.mlp.proj.weight": torch.eye(256) + 0.5}
    export = replace(EXPORT, step=replace(EXPORT.step, cap_bytes=200_000))
    packed, _ = pack_to_fit(weights(), MODEL, export, CODE, hessians)
    assert WINDOW * 200_000 <= CODE + len(packed.blob) <= 200_000
    assert packed.blob != pack_to_fit(weights(), MODEL, export, CODE)[0].blob


def test_what_the_hessians_need_is_made_once_for_all_tries_and_changes_no_byte() -> None:
    hessians = {"blocks.0.mlp.fc.weight": torch.eye(128) + 0.5}
    export = replace(EXPORT, step=replace(EXPORT.step, cap_bytes=200_000))
    factors = Factors(hessians, export.gptq)
    packed, step = pack_to_fit(weights(), MODEL, export, CODE, factors)
    assert step.tries > 1
    (made,) = factors.made.values()
    assert packed.blob == pack_model(weights(), MODEL, sized(export, step.size), hessians).blob
    pack_to_fit(weights(), MODEL, export, CODE, factors)
    assert next(iter(factors.made.values())) is made


def test_a_model_that_cannot_fill_the_cap_gets_the_finest_step() -> None:
    packed, step = pack_to_fit(weights(), MODEL, EXPORT, CODE)
    assert step.size == EXPORT.step.finest
    assert CODE + len(packed.blob) < EXPORT.step.cap_bytes


def test_a_model_that_cannot_fit_says_what_would() -> None:
    export = replace(EXPORT, step=StepConfig(cap_bytes=100_000, coarsest=0.02))
    with pytest.raises(ScriptError) as caught:
        pack_to_fit(weights(), MODEL, export, CODE)
    message = str(caught.value)
    for part in ("coarsest step allowed, 0.02", "over the cap of 100,000", "1 layers", "model_dim of", "a step of"):
        assert part in message
    coarser = float(message.split("a step of ")[1].split(" ")[0])
    retry = replace(export, step=replace(export.step, coarsest=1.3 * coarser))
    assert CODE + len(pack_to_fit(weights(), MODEL, retry, CODE)[0].blob) <= 100_000


def test_auto_solves_with_rans_and_stays_under_the_cap() -> None:
    export = replace(EXPORT, compressor="auto", step=replace(EXPORT.step, cap_bytes=200_000))
    packed, _ = pack_to_fit(weights(), MODEL, export, CODE)
    assert {"rans", "zlib", "zstd", "lzma"} <= packed.tried.keys()
    assert CODE + len(packed.blob) <= 200_000


@pytest.mark.parametrize("size", [0.002, 0.02, 0.2])
def test_the_counted_size_is_the_packed_size(size: float) -> None:
    counted = SizeModel(weights(), MODEL, EXPORT, CODE).total(size)
    packed = CODE + len(pack_model(weights(), MODEL, sized(EXPORT, size)).blob)
    assert abs(counted - packed) <= 0.001 * packed + 200


def test_classes_have_steps_of_their_own() -> None:
    finer = replace(EXPORT, step=replace(EXPORT.step, size=0.02, embed=0.25))
    plain = replace(EXPORT, step=replace(EXPORT.step, size=0.02))
    errors = []
    for export in (plain, finer):
        back = unpack_model(pack_model(weights(), MODEL, export).blob, MODEL, export)
        errors.append({name: float((back[name] - value).abs().max()) for name, value in weights().items()})
    assert errors[1]["tok_emb.weight"] < 0.3 * errors[0]["tok_emb.weight"]
    assert errors[1]["blocks.0.mlp.fc.weight"] == errors[0]["blocks.0.mlp.fc.weight"]


@given(st.floats(1e3, 1e8), st.floats(-14, 2), st.floats(0.0, 0.004), st.integers(0, 99))
def test_the_search_finds_a_step_on_any_smooth_falling_curve(
    weights: float, knee: float, noise: float, seed: int
) -> None:
    """Sizes as real ones: a bit per weight and octave, less where most integers are 0, and a little noise."""
    generator = torch.Generator().manual_seed(seed)

    def total(size: float) -> float:
        bits = math.log2(1 + 2.0 ** (3 + knee) / size)
        return weights / 8 * bits * (1 + noise * float(torch.rand((), generator=generator) - 0.5) / 8) + 1000

    bounds = StepConfig(finest=1e-5, coarsest=1.0, cap_bytes=int(total(0.01)) + 1)
    found = find_step(total, bounds, int(weights))
    assert found.total <= bounds.cap_bytes
    assert found.tries <= MOST_TRIES
    if noise < 0.001 and bounds.cap_bytes > 20_000:
        assert found.total >= 0.998 * bounds.cap_bytes


@pytest.mark.parametrize(
    "make",
    [
        lambda: ExportConfig(mlp="step", compressor="zlib"),
        lambda: ExportConfig(mlp="step", container="torch", compressor="zlib"),
        lambda: ExportConfig(container="torch", compressor="rans"),
        lambda: ExportConfig(container="qgv3"),
        lambda: StepConfig(finest=0.1, coarsest=0.01),
        lambda: StepConfig(size=-1.0),
        lambda: StepConfig(mlp=0.0),
    ],
)
def test_rules_that_cannot_work_are_refused_where_they_are_written(make: object) -> None:
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]


def test_a_step_that_is_given_needs_no_solving() -> None:
    export = replace(EXPORT, step=StepConfig(size=0.05), compressor="zlib")
    assert not export.solves_step
    assert EXPORT.solves_step
    assert unpack_model(pack_model(weights(), MODEL, export).blob, MODEL, export).keys() == weights().keys()
