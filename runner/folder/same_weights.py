"""Whether two artifacts hold the same weights although their files differ: a hash of what is in them.

Taken off are zeros and blanks at the end, what follows a compressed stream, a zip's comments, times, order of entries
and the name of its top folder, and the level of compression. Nothing is unpickled. What a script of its own puts into
its weights to tell them apart is not seen. All is read in pieces and bounded; beyond a bound, the bytes count as they
lie there.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

PIECE = 1 << 18
MOST_BYTES = 256 << 20
"""Of what is unpacked from one file."""
MOST_ENTRIES = 10_000
DEEPEST = 3
"""Layers of compression and zip."""
IN_MEMORY = 16 << 20
PADDING = b"\0 \t\r\n\xff"
BESIDE = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
"""Entries of torch's archives that hold no weights."""
STREAMS: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
    (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(memlimit=MOST_BYTES)),
    (b"]\0\0", lambda: lzma.LZMADecompressor(memlimit=MOST_BYTES)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"(\xb5/\xfd", lambda: zstandard.ZstdDecompressor(max_window_size=MOST_BYTES).decompressobj()),
    *((bytes([0x78, second]), zlib.decompressobj) for second in (0x01, 0x5E, 0x9C, 0xDA)),
)
"""How a compressed stream begins, and what unpacks it."""
DAMAGED = (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, zipfile.BadZipFile)
DAMAGED_ZIP = (*DAMAGED, RuntimeError, NotImplementedError, MemoryError)


class TooMuch(ValueError):
    """More was unpacked than is looked at."""


def weights_sha256(path: Path) -> str:
    """SHA-256 of what an artifact holds, whatever stands around it. OSError where it cannot be read."""
    with path.open("rb") as file:
        return _content(file, 0)


def _content(file: IO[bytes], depth: int) -> str:
    head = file.read(6)
    if depth < DEEPEST:
        if head.startswith(b"PK"):
            try:
                return _zip(file, depth)
            except DAMAGED_ZIP:
                pass
        for begins, unpack in STREAMS:
            if head.startswith(begins):
                with tempfile.SpooledTemporaryFile(IN_MEMORY) as inside:
                    try:
                        file.seek(0)
                        for piece in _unpacked(file, unpack()):
                            inside.write(piece)
                    except DAMAGED:
                        continue
                    inside.seek(0)
                    return _content(inside, depth + 1)
    return _stripped(file)


def _unpacked(file: IO[bytes], stream: Any) -> Iterator[bytes]:
    """What a stream holds, until its own end. TooMuch; any of DAMAGED where it is none."""
    total = 0
    while not stream.eof:
        data = file.read(PIECE // 64)  # so little that even what packs a thousandfold comes in pieces
        if not data:
            raise EOFError
        piece = stream.decompress(data)
        total += len(piece)
        if total > MOST_BYTES:
            raise TooMuch(total)
        yield piece


def _zip(file: IO[bytes], depth: int) -> str:
    """Over all entries by name, each by its content."""
    found: list[tuple[str, str]] = []
    total = 0
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise TooMuch(len(entries))
        for entry in entries:
            name = entry.filename.partition("/")[2] or entry.filename
            total += entry.file_size
            if total > MOST_BYTES:
                raise TooMuch(total)
            if name in BESIDE or entry.is_dir():
                continue
            with archive.open(entry) as content, tempfile.SpooledTemporaryFile(IN_MEMORY) as inside:
                left = entry.file_size
                while left and (piece := content.read(min(PIECE, left))):
                    left -= len(piece)
                    inside.write(piece)
                inside.seek(0)
                found.append((name, _content(inside, depth + 1)))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def _stripped(file: IO[bytes]) -> str:
    """Over a file without the padding at its end."""
    file.seek(0)
    digest, held = hashlib.sha256(), b""
    while piece := file.read(PIECE):
        kept = piece.rstrip(PADDING)
        if kept:
            digest.update(held + kept)
            held = b""
        held += piece[len(kept) :]
        if len(held) > MOST_BYTES:
            digest.update(held)
            held = b""
    return digest.hexdigest()
