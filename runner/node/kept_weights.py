"""The weights that a training kept beside its artifact, brought back in pieces. Nobody reads them here."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runner.node.messages import KeptBytes, KeptEnded, Message, Remark

KEPT_NAME = "kept_weights.safetensors"
"""What the script is told to call it, in its own folder."""
MOST_BYTES = 8 << 30
PIECE_BYTES = 4 << 20


def kept_weights(folder: Path) -> Iterator[Message]:
    """The file's pieces, then its size and hash; a remark where there is none that may be brought back."""
    try:
        handle = os.open(folder / KEPT_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        yield Remark(f"its weights were not kept: {error.strerror}")
        return
    with os.fdopen(handle, "rb") as file:
        told = os.fstat(handle)
        if not stat.S_ISREG(told.st_mode) or told.st_size > MOST_BYTES:
            yield Remark(f"its weights were not kept: {KEPT_NAME} is no file of at most {MOST_BYTES:,} bytes")
            return
        digest, size = hashlib.sha256(), 0
        while size < MOST_BYTES and (piece := file.read(PIECE_BYTES)):
            digest.update(piece)
            size += len(piece)
            yield KeptBytes(piece)
    yield KeptEnded(size, digest.hexdigest())
