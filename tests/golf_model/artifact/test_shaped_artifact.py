"""Shaped steps and the trellis in an artifact: what is written comes back, off changes nothing, lies are refused."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from golf_model.artifact.artifact import PackedModel, pack_model, unpack_model
from golf_model.artifact.fit import SizeModel, pack_to_fit, sized
from golf_model.artifact.golf_container import GOLF_HEAD, open_golf, read_golf
from golf_model.artifact.inspect import inspect_artifact
from golf_model.config.export import ExportConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.model import ModelConfig
from golf_model.config.rounding import GptqConfig
from golf_model.process.errors import ScriptError
from golf_model.quantization.shaped import fits_steps
from golf_model.quantization.shaping import Shaping
from golf_model.quantization.step_plan import StepPlan, planned_steps
from golf_model.shapes import parameter_shapes
from tests.golf_model.artifact.format_reader import read_artifact

MODEL = ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=2, num_kv_heads=1)
PLAIN = ExportConfig(
    compressor="rans",
    embed="step",
    mlp="step",
    attn="step",
    passthrough_numel=64,
    step=StepConfig(size=0.02, embed=0.5),
    gptq=GptqConfig(tokens=1),
)
SHAPED = replace(PLAIN, steps=ShapedStepsConfig(matrices="predicted", columns="cholesky", rows="fisher"))
TRELLIS = replace(SHAPED, rounding="trellis")
EXPORTS = {
    "columns": replace(PLAIN, steps=ShapedStepsConfig(columns="hessian", columns_power=0.5)),
    "rows": replace(PLAIN, steps=ShapedStepsConfig(rows="fisher")),
    "predicted": replace(PLAIN, steps=ShapedStepsConfig(matrices="predicted")),
    "all": SHAPED,
    "trellis 4": replace(PLAIN, rounding="trellis", trellis_states=4),
    "trellis 8 and all": TRELLIS,
    "all, to nearest": replace(SHAPED, rounding="nearest"),
    "trellis under zstd": replace(TRELLIS, compressor="zstd"),
}


@cache
def weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = parameter_shapes(MODEL)
    return {name: 0.1 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@cache
def seen() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Hessians and Fisher information of made-up inputs, uneven as those of trained models; q, k, v share theirs."""
    generator = torch.Generator().manual_seed(2)
    hessians, fisher = dict[str, Tensor](), dict[str, Tensor]()
    for name, shape in parameter_shapes(MODEL).items():
        if not name.startswith("blocks.") or len(shape) != 2 or "mix" in name:
            continue
        shared = hessians.get(name.replace("c_k", "c_q").replace("c_v", "c_q"))
        inputs = torch.randn(200, shape[1], generator=generator)
        inputs *= torch.randn(shape[1], generator=generator).exp()
        hessians[name] = inputs.T @ inputs if shared is None else shared
        fisher[name] = torch.randn(shape[0], generator=generator).mul(2).exp()
    return hessians, fisher


@cache
def planned(export: ExportConfig) -> StepPlan:
    return planned_steps(weights(), MODEL.num_layers, export, *seen())


@cache
def packed(export: ExportConfig) -> PackedModel:
    return pack_model(weights(), MODEL, export, seen()[0], planned(export))


@pytest.mark.parametrize("name", ["rows", "trellis 4", "trellis 8 and all", "trellis under zstd"])
def test_another_reader_finds_the_same_weights_bit_by_bit(name: str) -> None:
    export = EXPORTS[name]
    blob = packed(export).blob
    ours, theirs = unpack_model(blob, MODEL, export), read_artifact(blob)
    assert ours.keys() == theirs.keys() == weights().keys()
    for key, value in ours.items():
        assert theirs[key][0] == list(value.shape)
        assert torch.equal(torch.tensor(theirs[key][1]).view(value.shape), value), key


def test_every_weight_lies_within_half_its_own_step_of_what_it_was() -> None:
    export = replace(SHAPED, rounding="nearest", step=StepConfig(size=1e-4))
    plan = planned_steps(weights(), MODEL.num_layers, export, *seen())
    back = unpack_model(pack_model(weights(), MODEL, export, None, plan).blob, MODEL, export)
    for key, value in back.items():
        if key not in plan.matrices:
            assert torch.allclose(value, weights()[key], atol=1e-3), key
            continue
        steps = plan.size_of(key, export) * plan.matrices[key].unit_steps(value)
        away = (value - weights()[key]).abs() / steps
        assert 0.4 < float(away.max()) < 0.51, key


def test_off_is_the_old_file_bit_by_bit() -> None:
    old = pack_model(weights(), MODEL, PLAIN, seen()[0])
    asked = replace(PLAIN, steps=ShapedStepsConfig(rows_power=1.0, columns_power=0.5, tokens=7), trellis_states=4)
    assert pack_model(weights(), MODEL, asked, seen()[0], planned(asked)).blob == old.blob
    assert struct.unpack_from("<H", old.blob, 4) == (1,)


def test_rounding_to_nearest_does_not_look_at_hessians() -> None:
    nearest = replace(PLAIN, rounding="nearest")
    assert pack_model(weights(), MODEL, nearest, seen()[0]).blob == pack_model(weights(), MODEL, PLAIN).blob


def test_one_step_for_all_takes_the_classes_factors_away() -> None:
    one = replace(PLAIN, steps=ShapedStepsConfig(matrices="one"))
    found = {item["name"]: item["step"] for item in inspect_artifact(packed(one).blob)["tensors"]}
    assert {round(step, 7) for step in found.values() if step is not None} == {0.02}


def test_attention_s_three_matrices_share_the_codes_of_their_columns() -> None:
    heads, _, _ = open_golf(packed(SHAPED).blob)
    found = {head.name: head.steps for head in heads if head.steps is not None}
    kinds = [found[f"blocks.1.attn.c_{part}.weight"] for part in "qkv"]
    assert kinds == [(1, 1, 0), (1, 2, 0), (1, 2, 0)]


def test_the_file_says_what_was_predicted_to_be_saved() -> None:
    facts = inspect_artifact(packed(TRELLIS).blob)
    assert facts["format"] == "golf 2"
    assert facts["saved"] == {way: round(bits, 4) for way, bits in planned(TRELLIS).saved.items()}
    fc = next(item for item in facts["tensors"] if item["name"] == "blocks.0.mlp.fc.weight")
    assert fc["states"] == 8
    rows, columns = (
        planned(TRELLIS).matrices["blocks.0.mlp.fc.weight"].__dict__[side] for side in ("rows", "columns")
    )
    assert fc["row_octaves"] == [float(rows.min()) / 4, float(rows.max()) / 4]
    assert fc["column_octaves"] == [float(columns.min()) / 4, float(columns.max()) / 4]
    assert next(size for name, _, size in facts["parts"] if name == "codes") > 0


@pytest.mark.parametrize(("rounding", "cap"), [("gptq", 24_000), ("trellis", 26_000)])
def test_a_solved_step_lands_in_the_last_thousandth_under_the_cap(
    rounding: Literal["gptq", "trellis"], cap: int
) -> None:
    export = replace(SHAPED, rounding=rounding, step=StepConfig(cap_bytes=cap, finest=1e-5, coarsest=1.0))
    found, step = pack_to_fit(weights(), MODEL, export, 2_000, seen()[0], planned(export))
    assert 0.999 * cap <= 2_000 + len(found.blob) <= cap
    back = unpack_model(found.blob, MODEL, export)
    assert back.keys() == weights().keys()
    counted = SizeModel(weights(), MODEL, export, 2_000, planned(export)).total(step.size)
    assert counted == pytest.approx(step.total, rel=0.02)


def test_a_plan_is_made_from_hessians_where_none_is_given() -> None:
    export = EXPORTS["columns"]
    plan = planned_steps(weights(), MODEL.num_layers, export, seen()[0])
    assert plan.saved["columns"] == plan.saved["total"] > 0
    assert (
        pack_model(weights(), MODEL, export, seen()[0]).blob
        == pack_model(weights(), MODEL, export, seen()[0], plan).blob
    )
    solved = replace(export, step=StepConfig(cap_bytes=24_000, finest=1e-5, coarsest=1.0))
    assert len(pack_to_fit(weights(), MODEL, solved, 2_000, seen()[0])[0].blob) <= 22_000


def changed(blob: bytes, change: Any) -> bytes:
    """The file with another header, its checksum right."""
    magic, version, length = GOLF_HEAD.unpack_from(blob)
    header = json.loads(zlib.decompress(blob[GOLF_HEAD.size : GOLF_HEAD.size + length]))
    told = change(header)
    version = told if type(told) is int else version
    text = zlib.compress(json.dumps(header).encode())
    body = GOLF_HEAD.pack(magic, version, len(text)) + text + blob[GOLF_HEAD.size + length : -32]
    return body + hashlib.sha256(body).digest()


def entry(header: Any, name: str = "blocks.0.mlp.fc.weight") -> Any:
    return next(tensor for tensor in header["tensors"] if tensor[0] == name)


def states_of(value: Any) -> Any:
    return lambda header: entry(header).__setitem__(6, value)


def columns_of(value: Any) -> Any:
    return lambda header: entry(header).__setitem__(5, value)


def version_of(value: int) -> Any:
    return lambda header: value


def grown(header: Any) -> None:
    entry(header, "blocks.0.attn.c_q.weight")[3] = [32, 33]


def saved_of(value: Any) -> Any:
    return lambda header: header.__setitem__("saved", value)


LIES: dict[str, tuple[Any, str]] = {
    "states that no trellis has": (states_of(5), "cannot be read"),
    "states that are no number": (states_of("8"), "cannot be read"),
    "states that are true": (states_of(True), "cannot be read"),
    "another trellis": (states_of(4), "do not fit this script's model: 'blocks.0.mlp.fc.weight'"),
    "no trellis": (states_of(0), "do not fit this script's model: 'blocks.0.mlp.fc.weight'"),
    "columns of a fourth kind": (columns_of(3), "cannot be read"),
    "columns of another width": (columns_of(2), "artifact: "),
    "columns without codes": (columns_of(0), "artifact: "),
    "too few numbers": (lambda header: entry(header).__delitem__(6), "cannot be read"),
    "steps of floats": (lambda header: header["tensors"][0].extend([1, 1, 8]), "cannot be read"),
    "an old version": (version_of(1), "cannot be read"),
    "a version to come": (version_of(3), "version 3 of golf's format; this script reads versions 1 and 2"),
    "another shape": (grown, "artifact: "),
}


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_lies_is_refused_with_a_reason(name: str) -> None:
    change, reason = LIES[name]
    with pytest.raises(ScriptError, match=reason.replace("(", r"\(")):
        unpack_model(changed(packed(TRELLIS).blob, change), MODEL, TRELLIS)


@pytest.mark.parametrize("saved", [{"total": 1e9}, {"total": "x"}, {"pigs": 1.0}, {"rows": True}, ["total"]])
def test_savings_that_cannot_be_are_not_shown(saved: Any) -> None:
    with pytest.raises(ScriptError, match="says of savings what cannot be"):
        inspect_artifact(changed(packed(TRELLIS).blob, saved_of(saved)))


def test_a_script_without_shaped_steps_refuses_a_file_with_them() -> None:
    with pytest.raises(ScriptError, match="shaped steps or a trellis, which this script does not expect"):
        unpack_model(packed(TRELLIS).blob, MODEL, PLAIN)
    with pytest.raises(ScriptError, match="do not fit this script's model"):
        unpack_model(packed(PLAIN).blob, MODEL, TRELLIS)


def test_indices_of_a_trellis_are_sixteen_bits_at_most() -> None:
    raw = replace(TRELLIS, compressor="zstd", step=StepConfig(size=1e-7))
    blob = pack_model(weights(), MODEL, raw, None, planned(raw)).blob
    back = read_golf(blob, sum(prod(shape) for shape in parameter_shapes(MODEL).values()))
    assert max(int(item.values.abs().max()) for item in back.values() if item.scales is not None) == 32767
    coarse = replace(PLAIN, compressor="zstd", step=StepConfig(size=1e-6))
    lie = changed(pack_model(weights(), MODEL, coarse).blob, as_trellis)
    with pytest.raises(ScriptError, match=r"'tok_emb\.weight' holds integers beyond step"):
        unpack_model(lie, MODEL, TRELLIS)


def as_trellis(header: Any) -> int:
    """Every matrix on a uniform step said to belong to a trellis."""
    for tensor in header["tensors"]:
        if tensor[1] == "step":
            tensor.extend([0, 0, 8])
    header["saved"] = {}
    header["parts"]["codes"] = ["raw", 0, 0]
    return 2


@pytest.mark.parametrize(
    ("integer", "scale", "code", "fits"),
    [(1, 3e37, 8, True), (1, 3e37, 16, False), (0, 3e38, 4, False), (2, 3e38, 0, False)],
)
def test_codes_that_would_overflow_are_refused(integer: int, scale: float, code: int, fits: bool) -> None:
    values, codes = torch.tensor([[integer]], dtype=torch.int32), torch.tensor([code], dtype=torch.int16)
    assert fits_steps(values, torch.tensor(scale), Shaping(codes), SHAPED) is fits


@pytest.mark.parametrize("at", range(0, 60, 10))
def test_damaged_codes_are_refused_or_read_as_codes(at: int) -> None:
    blob = packed(SHAPED).blob
    size = len(open_golf(blob)[1]["codes"].blob)
    body = bytearray(blob[:-32])
    body[len(body) - size + at * size // 60] ^= 0x5A
    lie = bytes(body) + hashlib.sha256(body).digest()
    with suppress(ScriptError):
        assert unpack_model(lie, MODEL, SHAPED).keys() == weights().keys()


def test_sizes_in_between_are_those_of_the_model() -> None:
    export = sized(TRELLIS, 0.03)
    counted = SizeModel(weights(), MODEL, export, 0, planned(export)).total(0.03)
    assert counted == pytest.approx(
        len(pack_model(weights(), MODEL, export, seen()[0], planned(export)).blob), rel=0.03
    )
