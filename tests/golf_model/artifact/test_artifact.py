"""Artifacts: the same bytes for the same weights, and nothing foreign gets in."""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf_model.artifact.artifact import pack_model, unpack_model
from golf_model.artifact.compress import decompress
from golf_model.config.export import ExportConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.process.errors import ScriptError
from golf_model.shapes import LEVELS, parameter_shapes, schemes
from tests.fixtures.golden_cases import golden_network, golden_weight

MODEL = ModelConfig(
    vocab_size=64, num_layers=2, model_dim=64, num_heads=4, num_kv_heads=2, bigram=BigramConfig(128, 16)
)
EXPORT = ExportConfig(container="torch", compressor="zlib", passthrough_numel=512)


def state() -> dict[str, torch.Tensor]:
    return golden_network(MODEL).state_dict()


def container(change: Callable[[dict[str, Any]], None] = lambda content: None) -> bytes:
    packed = pack_model(state(), MODEL, EXPORT)
    content = torch.load(io.BytesIO(zlib.decompress(packed.blob)), weights_only=True)
    change(content)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_same_weights_give_the_same_bytes() -> None:
    assert pack_model(state(), MODEL, EXPORT).blob == pack_model(state(), MODEL, EXPORT).blob


def test_round_trip_restores_every_tensor_near_its_value_and_loads_strictly() -> None:
    original = state()
    restored = unpack_model(pack_model(original, MODEL, EXPORT).blob, MODEL, EXPORT)
    network = golden_network(MODEL)
    network.load_state_dict(restored, strict=True)
    for name, value in original.items():
        assert restored[name].dtype == value.dtype
        assert torch.allclose(restored[name], value, atol=5e-3), name


models = st.builds(
    lambda layers, tied, smear, buckets, placement: ModelConfig(
        vocab_size=16,
        num_layers=layers,
        model_dim=8,
        num_heads=2,
        num_kv_heads=1,
        tie_embeddings=tied,
        smear=smear,
        bigram=BigramConfig(buckets, 4, placement=placement),
    ),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from(["off", "module", "parameter"]),
    st.sampled_from([0, 8]),
    st.sampled_from(["before_blocks", "last"]),
)
containers = st.one_of(
    st.fixed_dictionaries(
        {"container": st.sampled_from(["torch", "torch_pair", "qgv3"]), "compressor": st.just("zlib")}
    ),
    st.fixed_dictionaries(
        {"container": st.just("golf"), "compressor": st.sampled_from(["auto", "rans", "zlib", "lzma", "zstd"])}
    ),
)
exports = st.builds(
    lambda container, embed, mlp, attn, **fields: ExportConfig(
        **container, embed=embed, mlp=mlp, attn=attn, **fields
    ),
    container=containers,
    embed=st.sampled_from(["float16", "int8", "int6"]),
    mlp=st.sampled_from(["int8", "int6", "int5", "int4"]),
    attn=st.sampled_from(["int8", "int6", "int5", "int4"]),
    rows=st.sampled_from(["clip_floor", "amax_float16", "amax_float32", "clip_search"]),
    late_k_float16=st.integers(0, 4),
    passthrough_numel=st.sampled_from([0, 1, 8, 16, 32, 64, 10**6]),
    more_control=st.sampled_from(["", "smear,bigram", "smear,bigram.scale", "bigram"]),
    small_control=st.sampled_from(["float32", "float16"]),
    large_control=st.sampled_from(["quantized", "float32"]),
)


@settings(max_examples=settings().max_examples // 2)
@given(models, exports)
def test_whatever_the_configuration_allows_comes_back_from_its_artifact(
    model: ModelConfig, export: ExportConfig
) -> None:
    weights = {name: golden_weight(name, torch.Size(shape)) for name, shape in parameter_shapes(model).items()}
    restored = unpack_model(pack_model(weights, model, export).blob, model, export)
    assert restored.keys() == weights.keys()
    for name, scheme in schemes(model, export).items():
        largest = max([1.0, *weights[name].abs().flatten().tolist()])
        step = largest / LEVELS[scheme] if scheme in LEVELS else 0.0
        assert restored[name].shape == weights[name].shape
        assert torch.allclose(restored[name], weights[name], rtol=1e-3, atol=0.51 * step + 1e-3), (name, scheme)


@pytest.mark.parametrize("container", ["torch", "torch_pair", "qgv3"])
def test_what_a_container_adds_to_many_small_tensors_stays_under_the_readers_limit(container: Any) -> None:
    model = ModelConfig(vocab_size=2, num_layers=40, model_dim=2, num_heads=1, num_kv_heads=1, mlp_mult=0.5)
    export = ExportConfig(container=container, compressor="zlib", passthrough_numel=0)
    weights = {name: golden_weight(name, torch.Size(shape)) for name, shape in parameter_shapes(model).items()}
    packed = pack_model(weights, model, export)
    assert packed.raw_bytes < packed.tensor_bytes + 1024 * len(weights)


def test_reported_sizes_are_those_of_the_parts() -> None:
    packed = pack_model(state(), MODEL, EXPORT)
    assert len(zlib.decompress(packed.blob)) == packed.raw_bytes
    assert packed.payload_bytes < packed.raw_bytes
    assert packed.tensor_bytes == 4 * sum(value.numel() for value in state().values())


def test_bfloat16_embedding_comes_back_as_bfloat16() -> None:
    faithful = replace(MODEL, tok_emb_dtype="bfloat16")
    original = golden_network(faithful, torch.bfloat16).state_dict()
    assert (
        unpack_model(pack_model(original, MODEL, EXPORT).blob, faithful, EXPORT)["tok_emb.weight"].dtype
        == torch.bfloat16
    )


def test_decompression_stops_at_its_limit() -> None:
    bomb = zlib.compress(bytes(10_000_000))
    with pytest.raises(ScriptError, match="larger than 1000 bytes"):
        decompress(bomb, "zlib", 1000)
    assert decompress(zlib.compress(b"x" * 1000), "zlib", 1000) == b"x" * 1000


def deflated(raw: bytes) -> bytes:
    """The same archive with compressed entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    return buffer.getvalue()


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    victim = tmp_path / "ran"
    buffer = io.BytesIO()
    torch.save({"__quant_format__": Payload(victim)}, buffer)
    for raw in (buffer.getvalue(), pickle.dumps(Payload(victim))):
        with pytest.raises(ScriptError, match="not a container of tensors"):
            unpack_model(zlib.compress(raw), MODEL, EXPORT)
    assert not victim.exists()


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: b"", "truncated"),
        (lambda: b"no zlib", "not zlib data"),
        (lambda: zlib.compress(container())[:-9], "truncated"),
        (lambda: zlib.compress(container()) + b"more", "followed by other data"),
        (lambda: zlib.compress(b"zero"), "not a container"),
        (lambda: zlib.compress(deflated(container())), "compressed entries"),
        (lambda: zlib.compress(container(lambda c: c.update({"__quant_format__": "other"}))), "not in format"),
        (lambda: zlib.compress(container(lambda c: c["quantized"].popitem())), "do not fit"),
        (lambda: zlib.compress(container(lambda c: c["scales"].popitem())), "do not fit"),
        (lambda: zlib.compress(container(lambda c: c["dtypes"].update({"tok_emb.weight": "int3"}))), "do not fit"),
        (lambda: zlib.compress(container(lambda c: c["passthrough"].update(extra=torch.zeros(3)))), "extra"),
        (
            lambda: zlib.compress(container(lambda c: c["passthrough"].update(skip_weights=torch.zeros(3)))),
            "skip_weights",
        ),
        (lambda: zlib.compress(container(lambda c: c["passthrough"].update(skip_weights="text"))), "skip_weights"),
        (lambda: zlib.compress(container(lambda c: c.update(quantized=(1, 2)))), "do not fit"),
        (
            lambda: zlib.compress(
                container(lambda c: c["quantized"].update({"tok_emb.weight": torch.zeros(64, 64)}))
            ),
            "tok_emb.weight",
        ),
        (
            lambda: zlib.compress(container(lambda c: c["scales"].update({"tok_emb.weight": torch.ones(64)}))),
            "tok_emb.weight",
        ),
        (
            lambda: zlib.compress(container(lambda c: c["scales"].update({"tok_emb.weight": torch.ones(63).half()}))),
            "tok_emb.weight",
        ),
        (
            lambda: zlib.compress(container(lambda c: c["scales"].update({"tok_emb.weight": torch.tensor(1.0)}))),
            "tok_emb.weight",
        ),
    ],
)
def test_artifact_that_is_not_this_models_is_refused(make: Callable[[], bytes], complaint: str) -> None:
    with pytest.raises(ScriptError, match=complaint):
        unpack_model(make(), MODEL, EXPORT)


def test_artifact_of_another_model_is_refused() -> None:
    with pytest.raises(ScriptError, match="do not fit this script's model"):
        unpack_model(pack_model(state(), MODEL, EXPORT).blob, replace(MODEL, num_layers=3), EXPORT)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -1.0])
def test_a_scale_that_no_writer_writes_is_refused(scale: float) -> None:
    raw = container(lambda content: content["scales"]["tok_emb.weight"].fill_(scale))
    with pytest.raises(ScriptError, match="tok_emb"):
        unpack_model(zlib.compress(raw), MODEL, EXPORT)


def test_a_scale_of_zero_gives_zeros() -> None:
    """PR #372 stores it for a row of zeros."""
    raw = container(lambda content: content["scales"]["tok_emb.weight"].fill_(0.0))
    assert not unpack_model(zlib.compress(raw), MODEL, EXPORT)["tok_emb.weight"].any()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["blocks.0.mlp.fc.weight", "skip_weights", "tok_emb.weight"])
@pytest.mark.parametrize("container", ["torch", "golf"])
def test_weights_that_are_no_finite_numbers_are_not_packed(container: Any, name: str, value: float) -> None:
    weights = {key: tensor.clone() for key, tensor in state().items()}
    weights[name].view(-1)[1] = value
    with pytest.raises(ScriptError, match=f"{name} holds NaN or infinite"):
        pack_model(weights, MODEL, replace(EXPORT, container=container))
