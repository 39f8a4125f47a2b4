"""Compressed and encoded bytes, opened within a bound: the codecs that exec shells use, and nothing that runs code.

Every function takes what Python's own takes, and stops at `most` bytes of output instead of filling memory. What a
codec holds is its caller's question.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

MOST = 64 << 20
"""Bytes of one decoded layer."""
MOST_DICTIONARY = 256 << 20
"""Bytes of history that a stream may ask for; liblzma sets them aside before it has read anything."""
FED = 4096
"""Bytes fed at once to a decoder that knows no limit of its own."""


class Damaged(Exception):
    """Bytes that a codec does not read, or that unfold to more than is read; the message says which."""


def _within(size: int, most: int) -> None:
    if size > most:
        raise Damaged(f"unfolds to more than {most:,} bytes")


def _lzma(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
    form = options.get("format", lzma.FORMAT_AUTO)
    filters = options.get("filters")
    for one in filters or ():
        if not isinstance(one, dict) or int(one.get("dict_size", 0)) > MOST_DICTIONARY:
            raise Damaged("asks for more history than is given")
    limit = None if form == lzma.FORMAT_RAW else MOST_DICTIONARY
    found, rest = b"", data
    while rest:
        decoder = lzma.LZMADecompressor(format=form, memlimit=limit, filters=filters)
        try:
            piece = decoder.decompress(rest, max_length=most + 1 - len(found))
        except lzma.LZMAError:
            if found:  # what follows a complete stream is padding, as Python's own reader takes it
                break
            raise
        found += piece
        _within(len(found), most)
        if not decoder.eof:
            if form == lzma.FORMAT_RAW:  # whose end need not be marked
                break
            raise Damaged("ends before its last byte")
        rest = decoder.unused_data
    return found


def _zlib(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
    decoder = zlib.decompressobj(int(options.get("wbits", zlib.MAX_WBITS)))
    found = decoder.decompress(data, most + 1)
    _within(len(found), most)
    if not decoder.eof:
        raise Damaged("ends before its last byte")
    return found


def _gzip(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
    found, rest = b"", data
    while rest:
        decoder = zlib.decompressobj(31)
        found += decoder.decompress(rest, most + 1 - len(found))
        _within(len(found), most)
        if not decoder.eof:
            raise Damaged("ends before its last byte")
        rest = decoder.unused_data.lstrip(b"\0")
    return found


def _bz2(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
    found, rest = b"", data
    while rest:
        decoder = bz2.BZ2Decompressor()
        try:
            found += decoder.decompress(rest, max_length=most + 1 - len(found))
        except OSError:
            if found:
                break
            raise
        _within(len(found), most)
        if not decoder.eof:
            raise Damaged("ends before its last byte")
        rest = decoder.unused_data
    return found


def _zstd(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=MOST_DICTIONARY >> 1).stream_reader(data)
    found: bytes = reader.read(most + 1)
    _within(len(found), most)
    return found


def _brotli(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
    try:
        decoder = importlib.import_module("brotli").Decompressor()
    except ImportError:
        raise Damaged("is brotli, and the package brotli is not installed; install golf[brotli]") from None
    found = bytearray()
    for start in range(0, len(data), FED):
        found += decoder.process(data[start : start + FED])
        _within(len(found), most)
    if not decoder.is_finished():
        raise Damaged("ends before its last byte")
    return bytes(found)


def _plain(decode: Callable[..., bytes]) -> Callable[[bytes, int, Mapping[str, Any]], bytes]:
    """A codec whose output is never longer than its input, with the options that its own function takes."""

    def run(data: bytes, most: int, options: Mapping[str, Any]) -> bytes:
        _within(len(data), 2 * MOST)
        return decode(data, **options)

    return run


DECODERS: Mapping[str, tuple[str, Callable[[bytes, int, Mapping[str, Any]], bytes], tuple[str, ...]]] = {
    "lzma.decompress": ("lzma", _lzma, ("format", "memlimit", "filters")),
    "zlib.decompress": ("zlib", _zlib, ("wbits", "bufsize")),
    "gzip.decompress": ("gzip", _gzip, ()),
    "bz2.decompress": ("bz2", _bz2, ()),
    "zstandard.decompress": ("zstd", _zstd, ()),
    "zstd.decompress": ("zstd", _zstd, ()),
    "brotli.decompress": ("brotli", _brotli, ()),
    "brotlicffi.decompress": ("brotli", _brotli, ()),
    "base64.b85decode": ("base85", _plain(base64.b85decode), ()),
    "base64.a85decode": ("ascii85", _plain(base64.a85decode), ("foldspaces", "adobe", "ignorechars")),
    "base64.b64decode": ("base64", _plain(base64.b64decode), ("altchars", "validate")),
    "base64.standard_b64decode": ("base64", _plain(base64.standard_b64decode), ()),
    "base64.urlsafe_b64decode": ("base64", _plain(base64.urlsafe_b64decode), ()),
    "base64.decodebytes": ("base64", _plain(base64.decodebytes), ()),
    "base64.b32decode": ("base32", _plain(base64.b32decode), ("casefold", "map01")),
    "base64.b16decode": ("hex", _plain(base64.b16decode), ("casefold",)),
    "binascii.a2b_base64": ("base64", _plain(binascii.a2b_base64), ()),
    "binascii.unhexlify": ("hex", _plain(binascii.unhexlify), ()),
    "binascii.a2b_hex": ("hex", _plain(binascii.a2b_hex), ()),
    "binascii.a2b_uu": ("uu", _plain(binascii.a2b_uu), ()),
}
"""Full name of a function -> the codec's name, what reads it within a bound, and its options in their order."""


def decoded(function: str, data: bytes | str, options: Mapping[str, Any], most: int = MOST) -> bytes:
    """What one of DECODERS makes of `data`, at most `most` bytes of it; Damaged for what it does not read."""
    name, decode, _ = DECODERS[function]
    try:
        raw = data.encode("ascii") if isinstance(data, str) else data
        return decode(raw, most, options)
    except Damaged as error:
        raise Damaged(f"{name}: {error}") from None
    except (
        ValueError,
        TypeError,
        OverflowError,
        EOFError,
        OSError,
        MemoryError,
        lzma.LZMAError,
        zlib.error,
    ) as error:
        raise Damaged(f"{name}: {str(error)[:200] or type(error).__name__}") from None
    except zstandard.ZstdError as error:
        raise Damaged(f"{name}: {str(error)[:200]}") from None
    except Exception as error:  # brotli's own class, which may not be there to be named
        if type(error).__module__.startswith(("brotli", "_brotli")) or type(error).__name__ == "error":
            raise Damaged(f"{name}: {str(error)[:200]}") from None
        raise
