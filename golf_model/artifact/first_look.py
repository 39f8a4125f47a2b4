"""A file that may be an artifact, held to bounds before torch is loaded.

What a file of a few kB unfolds to is found out first; what follows (inspect_file.py) is done in little memory and
time. Not part of any script.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import struct
import zlib
from contextlib import suppress
from math import prod
from pathlib import Path

from golf_model.artifact.compress import Compressor, decompress, has_brotli
from golf_model.process.errors import ScriptError

MOST_FILE_BYTES = 256 << 20
MOST_ELEMENTS = 1 << 26
"""Weights that are looked at, at most: four bits of a whole submission each are half as many."""
MOST_UNPACKED_BYTES = 160 << 20
"""Of a container of the originals: 40 million weights as floats."""
MOST_MEMORY = 640 << 20
"""Bytes that reading may take beside what torch has taken before."""
MOST_SECONDS = 9
"""Of a processor's time that reading may take."""
STREAMS: dict[bytes, Compressor] = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "lzma",
    **dict.fromkeys((b"x\x01", b"x^", b"x\x9c", b"x\xda"), "zlib"),
}
"""First bytes of a compressed stream."""
SHUFFLED = b"BSHF"
"""First bytes of a container whose bytes are shuffled (PR #1394)."""
RAW = (b"PK", b"QGv3", SHUFFLED)
"""First bytes of an original's container that nothing compresses."""
GOLF_MAGIC = b"golf"
MOST_HEADER_BYTES = 1 << 20


def unwrapped(blob: bytes) -> tuple[str, bytes]:
    """(compressor, what it holds) of an original's file."""
    for magic, compressor in STREAMS.items():
        if blob.startswith(magic):
            return compressor, decompress(blob, compressor, MOST_UNPACKED_BYTES)
    if not blob.startswith(RAW) and has_brotli():  # whose streams begin with no mark: what is inside must have one
        with suppress(ScriptError):
            raw = decompress(blob, "brotli", MOST_UNPACKED_BYTES)
            if raw.startswith(SHUFFLED):
                return "brotli", raw
    return "none", blob


def first_look(blob: bytes) -> None:
    """ScriptError for a file that unfolds to more than any submission; torch is not needed for that."""
    if blob.startswith(GOLF_MAGIC):
        weights = weights_told(blob)
        if weights > MOST_ELEMENTS:
            raise ScriptError(f"artifact: {weights:,} weights, more than the {MOST_ELEMENTS:,} that are expected")
    elif not blob.startswith(RAW):
        compressor, _ = unwrapped(blob)
        if compressor == "none":
            raise ScriptError("artifact: neither golf's format nor one of the originals' (torch, torch_pair, qgv3)")


def weights_told(blob: bytes) -> int:
    """How many weights the header of our container tells of; 0 where it cannot be read, as inspect.py then says."""
    try:
        (length,) = struct.unpack_from("<I", blob, 6)
        header = json.loads(zlib.decompressobj().decompress(blob[10 : 10 + length], MOST_HEADER_BYTES))
        return sum(prod(tensor[3]) for tensor in header["tensors"])
    except (struct.error, zlib.error, ValueError, TypeError, LookupError, RecursionError):
        return 0


def bound_process() -> None:
    """Hold this process to MOST_MEMORY and MOST_SECONDS from here on, where the system can (Linux).

    What a file of a few kB unfolds to is decided in zlib, numpy and torch; a bound on the whole holds in all of them.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return
    taken = next(int(line.split()[1]) << 10 for line in status.read_text().splitlines() if line.startswith("VmData"))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = taken + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(usage.ru_utime + usage.ru_stime) + MOST_SECONDS
    signal.signal(signal.SIGXCPU, _too_long)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 3))


def _too_long(number: int, frame: object) -> None:
    raise ScriptError(f"artifact: reading it takes more than {MOST_SECONDS} s")


def read_file(path: Path) -> bytes:
    """A regular file of at most MOST_FILE_BYTES; ScriptError for any other, OSError where it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ScriptError("artifact: is no file")
        blob = file.read(MOST_FILE_BYTES + 1)
    if len(blob) > MOST_FILE_BYTES:
        raise ScriptError(f"artifact: larger than {MOST_FILE_BYTES:,} bytes")
    return blob
