"""Files put one after the other, hashed and copied in pieces: a log may be larger than memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.files import sha256_bytes, write_atomic

PIECE = 1 << 20


@dataclass(frozen=True)
class Joined:
    """The content of `paths` in order, each ending with a line's end where another follows or it has none."""

    paths: tuple[Path, ...]

    def pieces(self) -> Iterator[bytes]:
        """The content. OSError where a file cannot be read."""
        for path in self.paths:
            piece = b"\n"
            with path.open("rb") as file:
                while more := file.read(PIECE):
                    piece = more
                    yield piece
            if not piece.endswith(b"\n"):
                yield b"\n"


Content = bytes | Joined
"""What becomes a file of a record."""


def joined(source: bytes | Path | Sequence[Path]) -> Content:
    """A log by any of the ways that it may be given."""
    if isinstance(source, bytes):
        return source
    return Joined((source,) if isinstance(source, Path) else tuple(source))


def content_sha256(content: Content) -> str:
    """Hex SHA-256."""
    if isinstance(content, bytes):
        return sha256_bytes(content)
    digest = hashlib.sha256()
    for piece in content.pieces():
        digest.update(piece)
    return digest.hexdigest()


def write_content(path: Path, content: Content) -> None:
    """Write one file of a folder that is itself built aside, and bring it to the device."""
    if isinstance(content, bytes):
        write_atomic(path, content)
        return
    with path.open("xb") as file:
        for piece in content.pieces():
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)
