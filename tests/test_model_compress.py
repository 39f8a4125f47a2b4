"""Compressors: what goes in comes out, and nothing that is read can fill the memory."""

from __future__ import annotations

import lzma
import resource
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from golf_model.compress import Compressor, compress, decompress
from golf_model.errors import ScriptError

COMPRESSORS: tuple[Compressor, ...] = ("zlib", "lzma", "zstd")
every_compressor = pytest.mark.parametrize("compressor", COMPRESSORS)


@every_compressor
@given(raw=st.binary(max_size=300))
def test_content_comes_back_under_a_limit_of_its_own_size(compressor: Compressor, raw: bytes) -> None:
    blob = compress(raw, compressor)
    assert blob == compress(raw, compressor)
    assert decompress(blob, compressor, max(len(raw), 1)) == raw


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


@pytest.mark.parametrize(
    ("compressor", "bomb"),
    [
        ("zlib", zlib.compress(bytes(400 << 20), 9)),
        ("lzma", lzma.compress(bytes(400 << 20), preset=0)),
        ("zstd", zstandard.ZstdCompressor(3).compress(bytes(400 << 20))),
        ("zstd", zstandard.ZstdCompressor(3, write_content_size=False).compress(bytes(400 << 20))),
    ],
    ids=["zlib", "lzma", "zstd", "zstd of unknown size"],
)
def test_a_bomb_is_refused_without_being_unpacked(compressor: Compressor, bomb: bytes) -> None:
    assert len(bomb) < 2 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ScriptError):
        decompress(bomb, compressor, 1 << 20)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 64 << 10
