"""Our container: what docs/artifact-format.md says, deterministic, and closed to everything else."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf_model.artifact.artifact import pack_model, unpack_model
from golf_model.artifact.golf_container import CHECKSUM_BYTES, GOLF_HEAD, GOLF_MAGIC, read_golf, write_golf
from golf_model.artifact.stored import Stored
from golf_model.config.export import ExportConfig
from golf_model.config.grids import StepConfig
from golf_model.config.model import ModelConfig
from golf_model.entropy_coding.entropy import encode_integers
from golf_model.process.errors import ScriptError
from golf_model.shapes import parameter_shapes
from tests.fixtures.golden_cases import golden_weight
from tests.fixtures.places import ROOT
from tests.golf_model.artifact.format_reader import read_artifact
from tests.golf_model.artifact.small_artifacts import SMALL

FIXTURE = ROOT / "tests" / "fixtures" / "artifact-v1.golf"
EXPORT = ExportConfig(
    compressor="rans",
    embed="int6",
    mlp="step",
    attn="step",
    rows="amax_float16",
    passthrough_numel=64,
    step=StepConfig(size=0.01),
)
EVERY_CODER = ["rans", "zlib", "lzma", "zstd", "brotli"]


def weights(model: ModelConfig = SMALL) -> dict[str, Tensor]:
    return {key: golden_weight(key, torch.Size(shape)) for key, shape in parameter_shapes(model).items()}


@cache
def honest() -> bytes:
    return pack_model(weights(), SMALL, EXPORT).blob


def test_the_fixture_is_decoded_from_the_description_alone_and_by_us() -> None:
    """The file was written by the first version; both readers have to go on reading it."""
    blob = FIXTURE.read_bytes()
    ours, theirs = unpack_model(blob, SMALL, EXPORT), read_artifact(blob)
    assert list(theirs) == list(ours)
    for name, (shape, values) in theirs.items():
        assert tuple(shape) == tuple(ours[name].shape)
        assert torch.equal(torch.tensor(values).view(shape), ours[name])
        assert torch.allclose(ours[name], weights()[name], atol=0.02)


@pytest.mark.parametrize("coder", [*EVERY_CODER, "auto"])
def test_what_is_written_now_is_what_the_description_says(coder: Any) -> None:
    if coder == "brotli":
        pytest.importorskip("brotli")
    export = replace(EXPORT, compressor=coder)
    blob = pack_model(weights(), SMALL, export).blob
    ours = unpack_model(blob, SMALL, export)
    for name, (shape, values) in read_artifact(blob).items():
        assert torch.equal(torch.tensor(values).view(shape), ours[name])


def test_the_same_weights_give_the_same_bytes() -> None:
    assert honest() == pack_model(weights(), SMALL, EXPORT).blob


def test_auto_keeps_the_smallest_and_says_what_the_others_took() -> None:
    model = replace(SMALL, model_dim=64, vocab_size=512)
    generator = torch.Generator().manual_seed(1)
    shapes = parameter_shapes(model)
    state = {key: torch.randn(shape, generator=generator) * 0.1 for key, shape in shapes.items()}
    for value in state.values():  # rows of different scale, as trained weights have them
        if value.ndim == 2:
            value *= torch.exp(0.5 * torch.randn(len(value), 1, generator=generator))
    packed = pack_model(state, model, replace(EXPORT, compressor="auto"))
    exports = {coder: replace(EXPORT, compressor=cast("Any", coder)) for coder in packed.tried}
    alone = {coder: len(pack_model(state, model, export).blob) for coder, export in exports.items()}
    assert {"rans", "zlib", "zstd", "lzma"} <= packed.tried.keys()
    assert abs(len(packed.blob) - min(alone.values())) <= 8
    assert min(packed.tried, key=lambda coder: packed.tried[coder]) == "rans"


shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
tensors = st.one_of(
    st.builds(lambda s, seed: ("step", torch.randint(-(2**31) + 1, 2**31, s, dtype=torch.int32,
                                                     generator=torch.Generator().manual_seed(seed))),
              shapes, st.integers(0, 99)),
    st.builds(lambda s, seed: ("int5", torch.randint(-15, 16, s, dtype=torch.int8,
                                                     generator=torch.Generator().manual_seed(seed))),
              shapes, st.integers(0, 99)),
    shapes.map(lambda s: ("float16", torch.ones(s, dtype=torch.float16))),
    shapes.map(lambda s: ("float32", torch.full(s, 0.1))),
)  # fmt: skip


@settings(max_examples=settings().max_examples // 3)
@given(st.lists(tensors, max_size=5), st.sampled_from(["rans", "zlib", "lzma", "zstd", "auto"]))
def test_tensors_of_any_shape_come_back(some: list[tuple[Any, Tensor]], coder: str) -> None:
    stored = {}
    for index, (scheme, values) in enumerate(some):
        by_row = scheme == "int5" and values.ndim == 2
        scale = torch.full(values.shape[:1], 0.5, dtype=torch.float16) if by_row else torch.tensor(0.25)
        stored[f"t{index}"] = Stored(scheme, values, None if scheme.startswith("float") else scale, "float32")
    back = read_golf(write_golf(stored, coder)[0], sum(values.numel() for _, values in some))
    assert list(back) == list(stored)
    for name, item in stored.items():
        assert back[name].scheme == item.scheme
        assert torch.equal(back[name].values, item.values)
        assert back[name].values.dtype == item.values.dtype
        assert (back[name].scales is None) == (item.scales is None)
        if item.scales is not None and back[name].scales is not None:
            assert torch.equal(item.scales, back[name].scales)  # type: ignore[arg-type]


def refused(blob: bytes, match: str = "artifact: ") -> None:
    with pytest.raises(ScriptError, match=match):
        unpack_model(blob, SMALL, EXPORT)


def test_every_truncation_is_refused() -> None:
    for length in range(len(honest())):
        refused(honest()[:length])


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_every_flipped_bit_is_found(at: int, change: int) -> None:
    blob = bytearray(honest())
    blob[at % len(blob)] ^= change
    refused(bytes(blob))


def sealed(body: bytes) -> bytes:
    """A file under a right checksum."""
    return body + hashlib.sha256(body).digest()


def body() -> bytes:
    return honest()[:-CHECKSUM_BYTES]


def same_or_refused(blob: bytes) -> None:
    """ScriptError, or tensors of the model's shapes: whoever seals a file himself may choose its weights."""
    try:
        found = unpack_model(blob, SMALL, EXPORT)
    except ScriptError:
        return
    assert {name: tuple(value.shape) for name, value in found.items()} == parameter_shapes(SMALL)
    assert all(bool(torch.isfinite(value).all()) for value in found.values())


@given(st.data())
def test_damage_under_a_right_checksum_is_refused_or_gives_the_models_tensors(data: st.DataObject) -> None:
    changed = bytearray(body())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    same_or_refused(sealed(bytes(changed)))


def with_header(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The honest file with another header, its checksum made right."""
    _, version, length = GOLF_HEAD.unpack_from(honest())
    header = json.loads(zlib.decompress(honest()[GOLF_HEAD.size : GOLF_HEAD.size + length]))
    changed = change(header)
    text = zlib.compress(json.dumps(header if changed is None else changed).encode())
    return sealed(GOLF_HEAD.pack(GOLF_MAGIC, version, len(text)) + text + body()[GOLF_HEAD.size + length :])


def test_an_unchanged_header_is_still_read() -> None:
    assert unpack_model(with_header(lambda header: None), SMALL, EXPORT).keys() == weights().keys()


@pytest.mark.parametrize(
    "change",
    [
        lambda h: [],
        lambda h: 5,
        lambda h: h.pop("parts") and None,
        lambda h: h.pop("tensors") and None,
        lambda h: h["parts"].pop("floats") and None,
        lambda h: h.update(tensors=5),
        lambda h: h["tensors"].append(h["tensors"][0]),
        lambda h: h["tensors"].pop() and None,
        lambda h: h["tensors"].reverse(),
        lambda h: h["tensors"][1].__setitem__(0, "tok_emb.other"),
        lambda h: h["tensors"][1].__setitem__(0, 7),
        lambda h: h["tensors"][1].__setitem__(1, "int9"),
        lambda h: h["tensors"][1].__setitem__(1, "int8"),
        lambda h: h["tensors"][1].__setitem__(1, "float32"),
        lambda h: h["tensors"][1].__setitem__(2, "complex64"),
        lambda h: h["tensors"][1].__setitem__(2, ["float32"]),
        lambda h: h["tensors"][1].__setitem__(3, [32, 64]),
        lambda h: h["tensors"][1].__setitem__(3, [-64, -32]),
        lambda h: h["tensors"][1].__setitem__(3, [1 << 40, 1 << 40]),
        lambda h: h["tensors"][1].__setitem__(3, [0, 1 << 31]),
        lambda h: h["tensors"][1].__setitem__(3, [1.0, 2048]),
        lambda h: h["tensors"][1].__setitem__(3, [1] * 2000),
        lambda h: h["tensors"][1].__setitem__(3, None),
        lambda h: h["parts"]["integers"].__setitem__(0, "pickle"),
        lambda h: h["parts"]["integers"].__setitem__(0, "zlib"),
        lambda h: h["parts"]["integers"].__setitem__(0, "raw"),
        lambda h: h["parts"]["floats"].__setitem__(0, "rans"),
        lambda h: h["parts"]["integers"].__setitem__(1, 1 << 39),
        lambda h: h["parts"]["integers"].__setitem__(1, -1),
        lambda h: h["parts"]["integers"].__setitem__(1, True),
        lambda h: h["parts"]["integers"].__setitem__(2, 3),
        lambda h: h["parts"].update(scales=h["parts"]["floats"]),
    ],
)
def test_a_header_that_lies_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    refused(with_header(change))


@pytest.mark.parametrize(
    ("blob", "match"),
    [
        (b"", "too short"),
        (b"golf", "too short"),
        (b"x" * 200, "not in golf's format"),
        (
            GOLF_HEAD.pack(GOLF_MAGIC, 3, 0) + bytes(40),
            "version 3 of golf's format; this script reads",
        ),
        (GOLF_HEAD.pack(GOLF_MAGIC, 1, 0) + bytes(40), "checksum"),
        (sealed(GOLF_HEAD.pack(GOLF_MAGIC, 1, 1 << 30)), "header"),
        (sealed(GOLF_HEAD.pack(GOLF_MAGIC, 1, 9) + b"no zlib at all"), "header"),
        (sealed(GOLF_HEAD.pack(GOLF_MAGIC, 1, 15) + zlib.compress(b"[" * 5000)), "header"),
    ],
    ids=["empty", "magic", "foreign", "version", "checksum", "length", "no zlib", "deep"],
)
def test_a_file_that_is_no_artifact_says_why(blob: bytes, match: str) -> None:
    refused(blob, match)


def bomb(header: dict[str, Any], part: bytes) -> bytes:
    text = zlib.compress(json.dumps(header).encode())
    return sealed(GOLF_HEAD.pack(GOLF_MAGIC, 1, len(text)) + text + part)


def one_tensor(shape: list[int], codec: str, size: int, part: str = "integers") -> dict[str, Any]:
    parts: dict[str, Any] = {name: ["raw", 0, 0] for name in ("integers", "scales", "floats")}
    parts[part] = [codec, size, 1]
    scheme = "step" if part == "integers" else "float32"
    return {"tensors": [["tok_emb.weight", scheme, "float32", shape]], "parts": parts}


ZEROS = torch.zeros(4000, 4000, dtype=torch.int8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: bomb(one_tensor([4000, 4000], "zlib", len(z := zlib.compress(bytes(16_000_000)))), z),
        lambda: bomb(one_tensor([64, 32], "zlib", len(z := zlib.compress(bytes(50_000_000)))), z),
        lambda: bomb(one_tensor([4000, 4000], "rans", len(z := encode_integers([ZEROS]))), z),
        lambda: bomb(one_tensor([64, 32], "rans", len(z := encode_integers([ZEROS]))), z),
        lambda: bomb(one_tensor([1 << 31, 1 << 31], "raw", 0), b""),
        lambda: bomb(one_tensor([64, 32], "zlib", len(z := zlib.compress(bytes(50_000_000))), "floats"), z),
        lambda: sealed(GOLF_HEAD.pack(GOLF_MAGIC, 1, len(z := zlib.compress(b" " * 50_000_000))) + z),
    ],
    ids=["declared", "real", "declared rans", "real rans", "huge", "floats", "header"],
)
def test_a_bomb_is_refused_in_little_memory(make: Callable[[], bytes]) -> None:
    blob = make()
    tracemalloc.start()
    refused(blob)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_an_artifact_of_another_model_names_the_tensors() -> None:
    with pytest.raises(ScriptError, match=r"more than the|do not fit this script's model: .*blocks\.1"):
        unpack_model(honest(), replace(SMALL, num_layers=2), EXPORT)


def test_integers_beyond_their_scheme_are_refused() -> None:
    stored = {"a": Stored("int5", torch.full((2, 3), 16, dtype=torch.int8), torch.ones(2).half(), "float32")}
    for coder in ("rans", "zlib"):
        with pytest.raises(ScriptError, match="'a' holds integers beyond int5"):
            read_golf(write_golf(stored, coder)[0], 6)
