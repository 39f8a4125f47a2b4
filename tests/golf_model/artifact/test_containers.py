"""The originals' formats: what is written comes back, and no file can do more than be refused."""

from __future__ import annotations

import io
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from golf_model.artifact.artifact import READERS, pack_model, unpack_model
from golf_model.artifact.compress import Compressor, compress, decompress
from golf_model.artifact.containers import shuffled, unshuffled
from golf_model.artifact.inspect import inspect_artifact
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.process.errors import ScriptError
from golf_model.shapes import LEVELS, clip_width, schemes
from tests.golf_model.artifact.small_artifacts import (
    NAMES,
    SMALL,
    SMALL_EXPORT,
    config_of,
    container_of,
    packed_of,
    refused_or_whole,
    small_container,
    torch_file,
    weights_of,
)

every_job = pytest.mark.parametrize("name", NAMES)
by_container = pytest.mark.parametrize("name", ["pr372", "pr102_head", "pr160", "pr1394"])


@every_job
def test_every_weight_comes_back_within_half_a_step_of_its_grid(name: str) -> None:
    config, weights = config_of(name), weights_of(name)
    packed = packed_of(name)
    restored = unpack_model(packed.blob, config.model, config.export)
    assert list(schemes(config.model, config.export)) == list(weights)
    for key, scheme in schemes(config.model, config.export).items():
        error = (restored[key].float() - weights[key]).abs().max()
        largest = weights[key].abs().max()
        step = max(1.0, float(largest)) / LEVELS[scheme] if scheme in LEVELS else 0.0
        if scheme in LEVELS and config.export.rows == "sdclip":
            step = clip_width(key, config.export) * float(weights[key].float().std(1).max()) / LEVELS[scheme]
        assert error <= 0.51 * step + 1e-3 * largest, (key, scheme)


@every_job
def test_the_same_weights_give_the_same_bytes_and_the_sizes_add_up(name: str) -> None:
    config, weights = config_of(name), weights_of(name)
    packed = packed_of(name)
    assert packed.blob == pack_model(dict(weights), config.model, config.export).blob
    assert (
        len(decompress(packed.blob, cast("Compressor", config.export.compressor), packed.raw_bytes))
        == packed.raw_bytes
    )
    assert packed.payload_bytes < packed.raw_bytes < packed.payload_bytes + (1 << 17)


def test_the_originals_use_every_scheme_and_container() -> None:
    """Keeps the tests of this file from passing over a scheme that none of their models has."""
    configs = [config_of(name) for name in NAMES]
    assert {config.export.container for config in configs} == READERS.keys()
    used = {scheme for config in configs for scheme in schemes(config.model, config.export).values()}
    assert used == {*LEVELS, "float16", "float32"} - {"int4", "int7", "step"}


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
    refused_or_whole(damaged, config)


def archive(entries: Mapping[str, bytes]) -> bytes:
    """A zip of stored entries as torch lays it out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in entries.items():
            made.writestr(f"archive/{name}", data)
    return buffer.getvalue()


def entries_of(raw: bytes) -> dict[str, bytes]:
    """What a torch file holds."""
    with zipfile.ZipFile(io.BytesIO(raw)) as made:
        return {entry.filename.partition("/")[2]: made.read(entry) for entry in made.infolist()}


@pytest.mark.parametrize("container", ["torch", "torch_pair"])
@given(st.data())
def test_a_damaged_pickle_under_a_right_checksum_is_refused_or_whole(container: Any, data: st.DataObject) -> None:
    entries = entries_of(small_container(container))
    text = bytearray(entries["data.pkl"])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=4))
    config = GolfConfig(model=SMALL, export=replace(SMALL_EXPORT, container=container))
    refused_or_whole(archive({**entries, "data.pkl": bytes(text)}), config)


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
    export = ExportConfig(container=container, compressor="zlib")
    with pytest.raises(ScriptError, match="artifact: "):
        unpack_model(compress(torch_file(content), "zlib"), SMALL, export)


def grafted(content: Any, code: bytes) -> bytes:
    """The torch file of `content`, with pickle code in place of the string `graft`."""
    entries = entries_of(torch_file(content))
    placeholder = b"X\5\0\0\0graft"
    assert entries["data.pkl"].count(placeholder) == 1
    entries["data.pkl"] = entries["data.pkl"].replace(placeholder, code)
    return archive(entries)


def small_content(container: Any) -> dict[str, Any]:
    """What an honest file of SMALL holds."""
    return dict(torch.load(io.BytesIO(small_container(container)), weights_only=True))


EMBED, NESTED = "tok_emb.weight", 3000
DEEP_DICT = b"}X\1\0\0\0a" * NESTED + b"}" + b"s" * NESTED
GRAFTS = {
    "a long bytearray": b"cbuiltins\nbytearray\nJ\0\0\0\x40\x85R",
    "a tensor that the file does not hold": b"ctorch\nTensor\nJ\0\0\0\x40\x85R",
    "a deep dict": DEEP_DICT,
    "deep lists": b"]" * NESTED + b"a" * (NESTED - 1),
    "a deep tuple as a key": b"})" + b"\x85" * 1_000_000 + b"K\1s",
    "a deep tuple by marks": b"}" + b"(" * 1_000_000 + b"t" * 1_000_000 + b"K\1s",
    "a tuple from memory": b"})q\xf0(h\xf0tK\1s",
    "code": b"cposix\nsystem\nX\4\0\0\0true\x85R",
    "no end": b"(",
}


@pytest.mark.parametrize("code", GRAFTS.values(), ids=GRAFTS.keys())
@pytest.mark.parametrize("place", ["__quant_format__", "dtypes", "qmeta", "name"])
def test_a_pickle_that_does_more_than_name_tensors_is_refused(code: bytes, place: str) -> None:
    content = small_content("torch")
    if place == "dtypes":
        content["dtypes"][EMBED] = "graft"
    elif place == "qmeta":
        content["qmeta"][EMBED] = {"scheme": "graft"}
    elif place == "name":
        content["passthrough"]["graft"] = 1
    else:
        content[place] = "graft"
    with pytest.raises(ScriptError, match="artifact: "):
        READERS["torch"](grafted(content, code))


def replaced(container: Any, change: Callable[[Tensor], Any]) -> bytes:
    """A file with something else in place of the embedding's integers."""
    content = small_content(container)
    part, name = ("quantized", EMBED) if container == "torch" else ("w", f"{EMBED}.q")
    content[part][name] = change(content[part][name])
    return torch_file(content)


def with_attribute(tensor: Tensor) -> Tensor:
    tensor.float = "text"  # type: ignore[method-assign, assignment]
    return tensor


KINDS: dict[str, Callable[[Tensor], Any]] = {
    "sparse": lambda tensor: tensor.to_sparse(),
    "sparse rows": lambda tensor: tensor.to_sparse_csr(),
    "without data": lambda tensor: tensor.to("meta"),
    "nested": lambda tensor: torch.nested.nested_tensor([tensor.float(), tensor[:1].float()]),
    "quantised by torch": lambda tensor: torch.quantize_per_tensor(tensor.float(), 1.0, 0, torch.qint8),
    "with an attribute": with_attribute,
    "parameter": lambda tensor: torch.nn.Parameter(tensor.float()),
    "int16": lambda tensor: tensor.to(torch.int16),
    "float32": lambda tensor: tensor.float(),
    "a row short": lambda tensor: tensor[:-1],
    "turned": lambda tensor: tensor.T,
    "flat": lambda tensor: tensor.flatten(),
    "beyond the levels": lambda tensor: torch.full_like(tensor, -128),
    "expanded": lambda tensor: torch.zeros(1, dtype=torch.int8).expand(1 << 20, 1 << 20),
    "a dict": lambda tensor: {"a": tensor},
}


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # sparse rows and nested tensors are called experimental
@pytest.mark.parametrize("container", ["torch", "torch_pair"])
@pytest.mark.parametrize("change", KINDS.values(), ids=KINDS.keys())
def test_a_tensor_of_another_kind_is_refused(container: Any, change: Callable[[Tensor], Any]) -> None:
    blob = compress(replaced(container, change), "zlib")
    with pytest.raises(ScriptError, match="artifact: "):
        unpack_model(blob, SMALL, replace(SMALL_EXPORT, container=container))


@pytest.mark.parametrize("container", ["torch", "torch_pair"])
def test_an_unchanged_file_passes_by_the_same_way(container: Any) -> None:
    """Keeps the refusals above from resting on something else."""
    export = replace(SMALL_EXPORT, container=container)
    assert unpack_model(compress(replaced(container, lambda tensor: tensor), "zlib"), SMALL, export)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["scales"].update(extra=torch.zeros(1)),
        lambda c: c["dtypes"].update(extra="float32"),
        lambda c: c["dtypes"].update({EMBED: 3}),
        lambda c: c["quantized"].update({7: torch.zeros(1, dtype=torch.int8)}),
        lambda c: c["passthrough"].update({EMBED: torch.zeros(64, 32)}),
        lambda c: c["qmeta"].update({EMBED: {"scheme": "int4_per_row"}}),
        lambda c: c["qmeta"].update({EMBED: "per_row"}),
        lambda c: c.update(qmeta="text"),
        lambda c: c.update(passthrough_orig_dtypes=3),
        lambda c: c["quantized"].update({EMBED + "\nfinal_score rule:plain": torch.zeros(1)}),
        lambda c: c["passthrough"].update({"a\nfinal_score rule:plain " + "b" * 10_000: torch.zeros(1)}),
    ],
)
def test_parts_of_the_official_dict_that_do_not_agree_are_refused_in_one_line(
    change: Callable[[dict[str, Any]], object],
) -> None:
    content = small_content("torch")
    change(content)
    with pytest.raises(ScriptError, match="artifact: ") as refused:
        unpack_model(compress(torch_file(content), "zlib"), SMALL, SMALL_EXPORT)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["w"].update(extra=torch.zeros(1)),
        lambda c: c["w"].update({f"{EMBED}.more": torch.zeros(1)}),
        lambda c: c["w"].pop(f"{EMBED}.scale"),
        lambda c: c["m"].pop(EMBED),
        lambda c: c["m"].update({EMBED: {"type": "int4"}}),
        lambda c: c["m"].update({EMBED: {}}),
        lambda c: c["m"].update({EMBED: "passthrough"}),
        lambda c: c["m"].update({3: "passthrough"}),
        lambda c: c.update(m=OrderedDict()),
    ],
)
def test_a_pair_whose_halves_do_not_agree_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    content = small_content("torch_pair")
    change(content)
    export = replace(SMALL_EXPORT, container="torch_pair")
    with pytest.raises(ScriptError, match="artifact: "):
        unpack_model(compress(torch_file(content), "zlib"), SMALL, export)


def test_a_second_directory_that_hides_deflated_entries_is_refused() -> None:
    """zipfile looks for the directory before the end of the file, torch where the end says that it lies."""
    plain, packed = (
        io.BytesIO(torch_file({"w": {"a": torch.zeros(8 << 20)}, "m": {"a": "passthrough_ctrl"}})),
        io.BytesIO(),
    )
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
        size_of = {entry.header_offset: (entry.compress_size) for entry in new.infolist()}
    raw = packed.getvalue()
    size, offset = struct.unpack("<II", raw[-10:-2])
    decoy, at = bytearray(raw[offset : offset + size]), 0
    while at < size:
        lengths, place = struct.unpack_from("<HHH", decoy, at + 28), struct.unpack_from("<I", decoy, at + 42)[0]
        struct.pack_into("<H", decoy, at + 10, zipfile.ZIP_STORED)
        struct.pack_into("<I", decoy, at + 24, size_of[place])
        at += 46 + sum(lengths)
    forged = raw[: offset + size] + bytes(decoy) + raw[-22:]
    assert len(forged) < 1 << 20
    assert torch.load(io.BytesIO(forged), weights_only=True)["w"]["a"].numel() == 8 << 20
    with pytest.raises(ScriptError, match="artifact: "):
        READERS["torch_pair"](forged)


def test_entries_that_share_a_name_are_refused() -> None:
    buffer = io.BytesIO(torch_file({"w": {}, "m": {}}))
    with zipfile.ZipFile(buffer, "a") as made:
        made.writestr("archive/DATA.pkl", b"\x80\x02}.")
    with pytest.raises(ScriptError, match="overlap"):
        READERS["torch_pair"](buffer.getvalue())


def test_the_file_of_pr_1394_is_told_by_what_it_unpacks_to() -> None:
    facts = inspect_artifact(packed_of("pr1394").blob)
    assert facts["format"] == "torch_shuffled, compressed by brotli"
    assert [tensor["name"] for tensor in facts["tensors"]] == list(weights_of("pr1394"))


@pytest.mark.parametrize("blob", [b"BSHF", b"BSHF\x00abc", b"PSHF\x02abcd", b""])
def test_bytes_that_are_not_shuffled_are_refused(blob: bytes) -> None:
    with pytest.raises(ScriptError, match="not shuffled"):
        unshuffled(blob)


@given(st.binary(min_size=2, max_size=300), st.integers(1, 255))
def test_shuffled_bytes_come_back(raw: bytes, stride: int) -> None:
    assert unshuffled(shuffled(raw, stride)) == raw
