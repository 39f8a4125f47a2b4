"""A ledger's last line that a kill or a power cut left unfinished: told apart from one that was changed, set aside.

A line is written in one piece and ends with a line's end. What stands after the last line's end is truncated where it
is the beginning of the entry that was due, and no whole entry; anything else we did not write, and breaks the chain.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from runner.files import sha256_bytes, write_atomic


def unfinished(data: bytes) -> bytes:
    """What stands after the last line's end; blocks that never reached the device read as zeros and are nothing."""
    return data[data.rfind(b"\n") + 1 :].rstrip(b"\0")


def is_truncated(rest: bytes, number: int) -> bool:
    """Whether `rest` may be the beginning of line `number`."""
    head = f'{{"seq":{number},"time":"'.encode()
    return rest[: len(head)] == head[: len(rest)] and not is_whole(rest)


def is_whole(rest: bytes) -> bool:
    """Whether it is a whole entry that lacks nothing but its line's end."""
    try:
        return isinstance(json.loads(rest), dict)
    except (ValueError, RecursionError):
        return False


def set_aside(path: Path) -> dict[str, Any]:
    """Take a truncated last line out of the ledger `path` into a file beside it; what was done, {} for nothing.

    A whole entry without its line's end gets one. What is neither stays as it is, for the chain to break at.
    """
    data = path.read_bytes()
    rest = unfinished(data)
    kept, number = data.rfind(b"\n") + 1, data.count(b"\n") + 1
    if kept == len(data):
        return {}
    if is_whole(rest):
        with path.open("r+b", buffering=0) as handle:
            handle.truncate(kept + len(rest))
            handle.seek(0, os.SEEK_END)
            handle.write(b"\n")
            os.fsync(handle.fileno())
        return {}
    if not is_truncated(rest, number):
        return {}
    aside = path.with_name(f"{path.stem}.torn-{number}-{sha256_bytes(rest)[:8]}")
    if rest:
        write_atomic(aside, rest)
    os.truncate(path, kept)
    return {"line": number, "bytes": len(rest), "sha256": sha256_bytes(rest), "aside": aside.name if rest else ""}
