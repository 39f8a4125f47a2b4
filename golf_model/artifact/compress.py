"""General compressors at fixed settings, and reading that cannot be made to fill the memory."""

from __future__ import annotations

import importlib
import lzma
import zlib
from typing import Any, Literal

import zstandard

from golf_model.process.errors import ScriptError

Compressor = Literal["zlib", "lzma", "zstd", "brotli"]
WIDEST_WINDOW, ORIGINAL_WINDOW = 24, 22
"""Of brotli, in powers of two: the widest, and the one that its package takes by itself, as PR #1394 did."""
BROTLI_PIECE = 16
"""Bytes fed to brotli at once: its decoder has no limit, and so few hold no more than some 16 MiB blocks."""
ZSTD_PIECE = 64
"""The same for zstd where its frame states no size: four bytes hold a block of 128 KiB at most."""


def has_brotli() -> bool:
    """Whether the optional package is installed."""
    try:
        importlib.import_module("brotli")
    except ImportError:
        return False
    return True


def _brotli() -> Any:
    if not has_brotli():
        raise ScriptError("compressor brotli: the package `brotli` is not installed; install it, or choose another")
    return importlib.import_module("brotli")


def compress(raw: bytes, compressor: Compressor, *, thorough: bool = False, window: int = WIDEST_WINDOW) -> bytes:
    """zlib at level 9, lzma as .xz at preset 6 (9e where `thorough`), zstd at level 22, brotli at 11 in a window of
    2 ** `window` bytes; the same bytes each time."""
    if compressor == "zlib":
        return zlib.compress(raw, 9)
    if compressor == "lzma":
        return lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME if thorough else 6)
    if compressor == "zstd":
        return zstandard.ZstdCompressor(level=22).compress(raw)
    return bytes(_brotli().compress(raw, quality=11, lgwin=window))


def decompress(blob: bytes, compressor: Compressor, limit: int) -> bytes:
    """What was compressed, if it is one whole stream of 1 to `limit` bytes; else ScriptError."""
    try:
        raw, whole = READ_STREAM[compressor](blob, limit)
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise ScriptError(f"artifact: not {compressor} data ({error})") from error
    if not whole:
        told = "; its zstd frame does not state its size" if compressor == "zstd" and not states_size(blob) else ""
        raise ScriptError(f"artifact: truncated, followed by other data, or larger than {limit} bytes unpacked{told}")
    return raw


def states_size(frame: bytes) -> bool:
    """Whether a zstd frame says how much it holds, as those of `compress` do and those of a stream need not."""
    return bool(zstandard.get_frame_parameters(frame).content_size != zstandard.CONTENTSIZE_UNKNOWN)


def _read_zlib(blob: bytes, limit: int) -> tuple[bytes, bool]:
    """(content, whether the stream ended there and nothing follows)."""
    inflate = zlib.decompressobj()
    return inflate.decompress(blob, limit), inflate.eof and not inflate.unused_data


def _read_lzma(blob: bytes, limit: int) -> tuple[bytes, bool]:
    """The same for .xz."""
    unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limit + (80 << 20))
    return unpack.decompress(blob, limit), unpack.eof and not unpack.unused_data


def _read_zstd(blob: bytes, limit: int) -> tuple[bytes, bool]:
    """The same for zstd. The decoder allocates by the size that a frame states, which is therefore looked at first;
    after a frame without content it does not look at what follows."""
    if not states_size(blob):
        return _read_zstd_stream(blob, limit)
    if not 0 < zstandard.get_frame_parameters(blob).content_size <= limit:
        return b"", False
    return zstandard.ZstdDecompressor().decompress(blob, allow_extra_data=False), True


def _read_zstd_stream(blob: bytes, limit: int) -> tuple[bytes, bool]:
    """The same of a frame that does not state its size."""
    unpack, pieces, size, begin = zstandard.ZstdDecompressor().decompressobj(), [], 0, 0
    while begin < len(blob) and not unpack.eof:
        pieces.append(unpack.decompress(blob[begin : begin + ZSTD_PIECE]))
        size, begin = size + len(pieces[-1]), begin + ZSTD_PIECE
        if size > limit:
            return b"", False
    return b"".join(pieces), size > 0 and unpack.eof and not unpack.unused_data and begin >= len(blob)


def _read_brotli(blob: bytes, limit: int) -> tuple[bytes, bool]:
    """The same for brotli."""
    brotli = _brotli()
    unpack, pieces, size = brotli.Decompressor(), [], 0
    try:
        for begin in range(0, len(blob), BROTLI_PIECE):
            pieces.append(unpack.process(blob[begin : begin + BROTLI_PIECE]))
            size += len(pieces[-1])
            if size > limit:
                return b"", False
    except brotli.error as error:
        raise ScriptError(f"artifact: not brotli data ({error})") from error
    return b"".join(pieces), size > 0 and bool(unpack.is_finished())


READ_STREAM = {"zlib": _read_zlib, "lzma": _read_lzma, "zstd": _read_zstd, "brotli": _read_brotli}
