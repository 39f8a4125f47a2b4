"""The originals' formats: what is written comes back, and no file can do more than be refused."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from golf_model.artifact import READERS, WRITERS, pack_model, unpack_model
from golf_model.compress import compress, decompress
from golf_model.config import ExportConfig, GolfConfig, ModelConfig
from golf_model.errors import ScriptError
from golf_model.qgv3 import HEAD, MAGIC, read_qgv3
from golf_model.shapes import LEVELS, parameter_shapes, schemes
from golf_model.stored import check_stored, restore, store
from runner.job import load_job
from runner.profiles import with_profile
from tests.golden_cases import golden_weight
from tests.golden_configs import JOBS

NAMES = ("baseline", "pr102", "pr102_head", "pr160", "pr372", "pr465", "pr465_sp8192", "pr1606")
every_job = pytest.mark.parametrize("name", NAMES)
by_container = pytest.mark.parametrize("name", ["pr372", "pr102_head", "pr160"])


@cache
def config_of(name: str) -> GolfConfig:
    return with_profile(load_job(JOBS / f"{name}.yaml"), "small").config


@cache
def weights_of(name: str) -> dict[str, Tensor]:
    shapes = parameter_shapes(config_of(name).model)
    return {key: golden_weight(key, torch.Size(shape)) for key, shape in shapes.items()}


@cache
def container_of(name: str) -> bytes:
    config = config_of(name)
    return WRITERS[config.export.container](store(weights_of(name), config.model.num_layers, config.export))


@every_job
def test_every_weight_comes_back_within_half_a_step_of_its_grid(name: str) -> None:
    config, weights = config_of(name), weights_of(name)
    packed = pack_model(weights, config.model, config.export)
    restored = unpack_model(packed.blob, config.model, config.export)
    assert list(schemes(config.model, config.export)) == list(weights)
    for key, scheme in schemes(config.model, config.export).items():
        error = (restored[key].float() - weights[key]).abs().max()
        largest = weights[key].abs().max()
        step = max(1.0, float(largest)) / LEVELS[scheme] if scheme in LEVELS else 0.0
        assert error <= 0.51 * step + 1e-3 * largest, (key, scheme)


@every_job
def test_the_same_weights_give_the_same_bytes_and_the_sizes_add_up(name: str) -> None:
    config, weights = config_of(name), weights_of(name)
    packed = pack_model(weights, config.model, config.export)
    assert packed.blob == pack_model(dict(weights), config.model, config.export).blob
    assert len(decompress(packed.blob, config.export.compressor, packed.raw_bytes)) == packed.raw_bytes
    assert packed.payload_bytes < packed.raw_bytes < packed.payload_bytes + (1 << 17)


@by_container
def test_an_artifact_of_another_export_rule_is_refused(name: str) -> None:
    config, weights = config_of(name), weights_of(name)
    other = replace(config.export, mlp="int8")
    blob = pack_model(weights, config.model, other).blob
    with pytest.raises(ScriptError, match=r"mlp\.fc"):
        unpack_model(blob, config.model, config.export)


@by_container
@given(st.data())
def test_a_damaged_container_is_refused_or_holds_the_models_tensors(name: str, data: st.DataObject) -> None:
    """Nothing but ScriptError may come out, whatever bytes are changed, cut or put in."""
    raw, config = container_of(name), config_of(name)
    near = st.one_of(st.integers(0, len(raw) - 1), st.integers(0, 2000), st.integers(len(raw) - 4000, len(raw) - 1))
    at = data.draw(near)
    change = data.draw(st.sampled_from(["flip", "cut", "insert", "swap"]))
    if change == "flip":
        damaged = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    elif change == "cut":
        damaged = raw[:at]
    elif change == "insert":
        damaged = raw[:at] + data.draw(st.binary(min_size=1, max_size=9)) + raw[at:]
    else:
        damaged = raw[: at // 2] + raw[at:] + raw[at // 2 : at]
    try:
        stored = READERS[config.export.container](damaged)
        check_stored(stored, config.model, config.export)
    except ScriptError:
        return
    assert {key: tuple(value.shape) for key, value in restore(stored).items()} == parameter_shapes(config.model)


def qgv3_with(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The container of #160 with another header."""
    raw = container_of("pr160")
    _, meta, *blobs = HEAD.unpack_from(raw)
    header = json.loads(raw[HEAD.size : HEAD.size + meta])
    changed = change(header)
    text = json.dumps(header if changed is None else changed).encode()
    return HEAD.pack(MAGIC, len(text), *blobs) + text + raw[HEAD.size + meta :]


FIRST = "blocks.0.attn.c_k.weight"


@pytest.mark.parametrize(
    "change",
    [
        lambda h: [],
        lambda h: "text",
        lambda h: 5,
        lambda h: h.pop("qmeta") and None,
        lambda h: h["quantized"].pop(FIRST) and None,
        lambda h: h["scales"].pop(FIRST) and None,
        lambda h: h["dtypes"].pop(FIRST) and None,
        lambda h: h["quantized"][FIRST].update(offset=1),
        lambda h: h["quantized"][FIRST].update(offset=-8),
        lambda h: h["quantized"][FIRST].update(nbytes=1 << 62),
        lambda h: h["quantized"][FIRST].update(shape=[1 << 40, 1 << 40]),
        lambda h: h["quantized"][FIRST].update(shape=[-1]),
        lambda h: h["quantized"][FIRST].update(shape="wide"),
        lambda h: h["quantized"][FIRST].update(dtype="complex128"),
        lambda h: h["quantized"][FIRST].update(dtype=["uint8"]),
        lambda h: h["qmeta"][FIRST].update(shape=[1, 1]),
        lambda h: h["qmeta"][FIRST].update(shape=[1 << 40, 1 << 40]),
        lambda h: h["qmeta"][FIRST].update(shape=None),
        lambda h: h["qmeta"][FIRST].update(shape=[1 << 80]),
        lambda h: h["qmeta"][FIRST].update(bits=5),
        lambda h: h["qmeta"][FIRST].update(packed=False),
        lambda h: h["qmeta"].update({FIRST: []}),
        lambda h: h.update(qmeta=[]),
        lambda h: h.update(dtypes=[]),
        lambda h: h.update(passthrough_orig_dtypes=[]),
        lambda h: h.update(passthrough_orig_dtypes={"skip_weights": "int3"}),
        lambda h: h.update(quantized=[1]),
        lambda h: h["passthrough"].update(extra={"dtype": "float32", "shape": [0], "offset": 0, "nbytes": 0}),
        lambda h: h["dtypes"].update({FIRST: "code"}),
    ],
)
def test_a_qgv3_header_that_lies_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    config = config_of("pr160")
    blob = compress(qgv3_with(change), "lzma")
    with pytest.raises(ScriptError, match="artifact: "):
        unpack_model(blob, config.model, config.export)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"QGv3",
        HEAD.pack(MAGIC, 0, 0, 0, 0),
        HEAD.pack(MAGIC, 1 << 31, 0, 0, 0),
        HEAD.pack(MAGIC, 2, 0, 0, 0) + b"{}",
        HEAD.pack(MAGIC, 100_000, 0, 0, 0) + b"[" * 100_000,
        struct.pack("<4sIIII", b"QGv2", 2, 0, 0, 0) + b"{}",
        HEAD.pack(MAGIC, 4, 0, 0, 0) + b"\xff\xfe\x00\x01",
    ],
    ids=["empty", "magic alone", "no header", "header beyond the end", "no parts", "deep", "older", "no text"],
)
def test_a_file_that_is_no_qgv3_container_is_refused(raw: bytes) -> None:
    with pytest.raises(ScriptError, match="artifact: "):
        read_qgv3(raw)


def torch_file(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


SMALL = ModelConfig(vocab_size=64, num_layers=1, model_dim=32, num_heads=2, num_kv_heads=1)


@pytest.mark.parametrize("container", ["torch", "torch_pair"])
@pytest.mark.parametrize(
    "content",
    [
        [],
        torch.zeros(3),
        {},
        {"w": 1, "m": {}},
        {"w": {}, "m": {1: "passthrough"}},
        {"w": {"a": "text"}, "m": {"a": "passthrough"}},
        {"w": {"a": torch.zeros(1)}, "m": {"a": {"type": "int4"}}},
        {"w": {"a.q": torch.zeros(1), "a.scale": 3}, "m": {"a": {"type": ["int6"]}}},
        {"__quant_format__": "int8_clean_per_row_v1", "quantized": {}, "scales": {}, "dtypes": {}, "passthrough": []},
        {
            "__quant_format__": "int8_clean_per_row_v1",
            "quantized": {"a": torch.zeros(1)},
            "scales": {"a": torch.zeros(1)},
            "dtypes": {},
            "passthrough": {1: torch.zeros(1)},
            "qmeta": {"a": {"scheme": 7}},
        },
    ],
    ids=lambda content: str(type(content).__name__),
)
def test_a_torch_file_of_another_form_is_refused(container: Any, content: Any) -> None:
    export = ExportConfig(container=container)
    with pytest.raises(ScriptError, match="artifact: "):
        unpack_model(compress(torch_file(content), "zlib"), SMALL, export)
