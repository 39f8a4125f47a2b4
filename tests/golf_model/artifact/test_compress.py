"""Compressors: what goes in comes out, and nothing that is read can fill the memory."""

from __future__ import annotations

import lzma
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from golf_model.artifact.compress import Compressor, compress, decompress, has_brotli, states_size
from golf_model.process.errors import ScriptError

COMPRESSORS: tuple[Compressor, ...] = ("zlib", "lzma", "zstd", *(("brotli",) if has_brotli() else ()))
every_compressor = pytest.mark.parametrize("compressor", COMPRESSORS)


@every_compressor
@given(raw=st.binary(min_size=1, max_size=300))
def test_content_comes_back_under_a_limit_of_its_own_size(compressor: Compressor, raw: bytes) -> None:
    blob = compress(raw, compressor)
    assert blob == compress(raw, compressor)
    assert decompress(blob, compressor, len(raw)) == raw


@every_compressor
@pytest.mark.parametrize("size", [16_384, 65_535, 65_536, 65_537, 300_000])
def test_content_that_fills_its_limit_and_the_decoders_buffers_comes_back(compressor: Compressor, size: int) -> None:
    noise = random.Random(size).randbytes(size)
    for raw in (noise, bytes(size), bytes(size // 2) + noise[: size // 2]):
        assert decompress(compress(raw, compressor), compressor, len(raw)) == raw


@every_compressor
def test_one_byte_over_the_limit_is_refused(compressor: Compressor) -> None:
    with pytest.raises(ScriptError, match=r"larger than 99 bytes|not \w+ data"):
        decompress(compress(bytes(100), compressor), compressor, 99)


@every_compressor
@pytest.mark.parametrize(
    "spoil",
    [
        lambda blob: blob[:-1],
        lambda blob: blob + b"x",
        lambda blob: b"",
        lambda blob: b"nothing of the kind",
        lambda blob: blob + blob,
    ],
    ids=["truncated", "followed by a byte", "empty", "other data", "twice"],
)
def test_what_is_not_one_whole_stream_is_refused(compressor: Compressor, spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ScriptError, match="artifact: "):
        decompress(spoil(compress(b"weights" * 50, compressor)), compressor, 10_000)


UNDECLARED = zstandard.ZstdCompressor(write_content_size=False).compress(b"weights" * 50)


@pytest.mark.parametrize("size", [1, 350, 131_072, 131_073, 300_000])
@pytest.mark.parametrize("level", [1, 22])
def test_a_zstd_frame_that_does_not_state_its_size_is_read_up_to_its_limit(level: int, size: int) -> None:
    raw = random.Random(size).randbytes(size // 2) + bytes(size - size // 2)
    blob = zstandard.ZstdCompressor(level, write_content_size=False).compress(raw)
    assert not states_size(blob)
    assert states_size(compress(raw, "zstd"))
    assert decompress(blob, "zstd", size) == raw
    for spoilt, limit in ((blob, size - 1), (blob[:-1], size), (blob + b"x", size), (blob * 2, 2 * size)):
        with pytest.raises(ScriptError, match=r"larger than .* unpacked; its zstd frame does not state its size$"):
            decompress(spoilt, "zstd", limit)


@pytest.mark.parametrize(
    ("compressor", "blob"),
    [
        ("zstd", UNDECLARED + b"x"),
        ("zstd", UNDECLARED * 2),
        ("zstd", zstandard.ZstdCompressor().compress(b"") + b"x"),
        ("zstd", zstandard.ZstdCompressor().compress(b"")[:-1]),
        ("zstd", b"\x50\x2a\x4d\x18\4\0\0\0skip" + compress(b"weights" * 50, "zstd")),
        ("lzma", lzma.compress(b"weights" * 50, format=lzma.FORMAT_ALONE)),
        ("lzma", lzma.compress(b"weights" * 50) + bytes(4)),
        ("zlib", zlib.compress(b"weights" * 50)[2:-4]),
    ],
    ids=[
        "unknown size, then a byte",
        "unknown size twice",
        "no content, then a byte",
        "no content, truncated",
        "a frame to skip first",
        "lzma without its container",
        "padded xz",
        "deflate without its container",
    ],
)
def test_a_stream_of_a_form_that_compress_does_not_write_is_refused(compressor: Compressor, blob: bytes) -> None:
    with pytest.raises(ScriptError, match="artifact: "):
        decompress(blob, compressor, 10_000)


BOMBS: dict[str, tuple[Compressor, Callable[[bytes], bytes]]] = {
    "zlib": ("zlib", lambda raw: zlib.compress(raw, 9)),
    "lzma": ("lzma", lambda raw: lzma.compress(raw, preset=0)),
    "zstd": ("zstd", zstandard.ZstdCompressor(3).compress),
    "zstd of unknown size": ("zstd", zstandard.ZstdCompressor(3, write_content_size=False).compress),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_without_being_unpacked(kind: str) -> None:
    compressor, pack = BOMBS[kind]
    bomb = pack(bytes(100 << 20))
    assert len(bomb) < 1 << 19
    tracemalloc.start()
    try:
        with pytest.raises(ScriptError):
            decompress(bomb, compressor, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_a_coder_whose_package_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(ScriptError, match="package `brotli` is not installed"):
        compress(b"weights", "brotli")
    with pytest.raises(ScriptError, match="package `brotli` is not installed"):
        decompress(b"weights", "brotli", 10)


def test_a_brotli_bomb_stops_near_its_limit() -> None:
    brotli = pytest.importorskip("brotli")
    bomb = brotli.compress(bytes(200_000_000), quality=5)
    assert len(bomb) < 2_000
    tracemalloc.start()
    with pytest.raises(ScriptError, match=r"larger than 1000 bytes"):
        decompress(bomb, "brotli", 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000
