"""The originals' three compressors at their settings, and reading that cannot be made to fill the memory."""

from __future__ import annotations

import lzma
import zlib
from typing import Literal

import zstandard

from golf_model.errors import ScriptError

Compressor = Literal["zlib", "lzma", "zstd"]


def compress(raw: bytes, compressor: Compressor) -> bytes:
    """zlib at level 9, lzma as .xz at preset 6, zstd at level 22; the same bytes each time."""
    if compressor == "zlib":
        return zlib.compress(raw, 9)
    if compressor == "lzma":
        return lzma.compress(raw, preset=6)
    return zstandard.ZstdCompressor(level=22).compress(raw)


def decompress(blob: bytes, compressor: Compressor, limit: int) -> bytes:
    """What was compressed, if it is one whole stream of 1 to `limit` bytes; else ScriptError."""
    try:
        raw, whole = _read_zstd(blob, limit) if compressor == "zstd" else _read_stream(blob, compressor, limit)
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise ScriptError(f"artifact: not {compressor} data ({error})") from error
    if not whole:
        raise ScriptError(f"artifact: truncated, followed by other data, or larger than {limit} bytes unpacked")
    return raw


def _read_stream(blob: bytes, compressor: Compressor, limit: int) -> tuple[bytes, bool]:
    """(content, whether the stream ended there and nothing follows)."""
    if compressor == "zlib":
        inflate = zlib.decompressobj()
        return inflate.decompress(blob, limit), inflate.eof and not inflate.unused_data
    unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limit + (64 << 20))
    return unpack.decompress(blob, limit), unpack.eof and not unpack.unused_data


def _read_zstd(blob: bytes, limit: int) -> tuple[bytes, bool]:
    """The same for zstd. A frame has to declare its size, as those of `compress` do: the decoder allocates by it, and
    after a frame without content or of unknown size it does not look at what follows."""
    if not 0 < zstandard.get_frame_parameters(blob).content_size <= limit:
        return b"", False
    return zstandard.ZstdDecompressor().decompress(blob, allow_extra_data=False), True
