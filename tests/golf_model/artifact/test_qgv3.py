"""The container of PR #160: bytes that the format describes, and no header that can do more than be refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf_model.artifact.artifact import unpack_model
from golf_model.artifact.compress import compress
from golf_model.artifact.qgv3 import HEAD, MAGIC, read_qgv3
from golf_model.config.golf_config import GolfConfig
from golf_model.process.errors import ScriptError
from tests.golf_model.artifact.small_artifacts import (
    SMALL,
    SMALL_EXPORT,
    config_of,
    container_of,
    refused_or_whole,
    small_container,
)

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from([64, 32])
)
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (dict or list, key) inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in ((value, key), *places(inner))]


@given(st.data())
def test_a_qgv3_header_with_any_value_at_any_place_is_refused_or_whole(data: st.DataObject) -> None:
    config = GolfConfig(model=SMALL, export=replace(SMALL_EXPORT, container="qgv3"))

    def change(header: dict[str, Any]) -> None:
        holder, key = data.draw(st.sampled_from(places(header)))
        holder[key] = data.draw(json_values)

    refused_or_whole(qgv3_with(change, small_container("qgv3")), config)


def qgv3_with(change: Callable[[dict[str, Any]], object], raw: bytes) -> bytes:
    """A container with another header."""
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
        lambda h: h["qmeta"][FIRST].update(bits=7),
        lambda h: h["qmeta"][FIRST].update(packed=False),
        lambda h: h["qmeta"].update(more=h["qmeta"][FIRST]),
        lambda h: h["dtypes"].update(more="float32"),
        lambda h: h.update(format="another"),
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
    blob = compress(qgv3_with(change, container_of("pr160")), "lzma")
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
