"""Scripts that were made before: a plan, a run and a bundle of one configuration make theirs once.

They lie in golf's cache, by the hash of all that they follow from, this golf's own sources among it. A lost or
damaged one costs a second. Who checks a script makes it anew and reads none of these.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from golf_model.config.golf_config import GolfConfig
from golf_model.script_parts import config_as_source
from runner.data.cache import cache_root, note_path, remember, remembered
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.referee import referee_sha256

MOST = 64
"""Scripts that are kept, of some 300 kB each; the oldest go first."""
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def place(config: GolfConfig, *, keep: bool) -> Path:
    """Where the script of a configuration is kept."""
    basis = {
        "golf": referee_sha256(),
        "python": sys.version,
        "config": config_as_source(config),
        "keeps_weights": keep,
    }
    return note_path(cache_root(), "scripts", basis)


def read(note: Path) -> tuple[bytes, str] | None:
    """The script and its readable twin; None where there is none that is whole and nobody else could write."""
    with suppress(OSError, UserError, KeyError, TypeError, UnicodeError):
        told = note.stat()
        if told.st_uid != os.geteuid() or told.st_mode & OTHERS_WRITE:  # it will run: a cache may be shared
            return None
        kept = remembered(note)
        source, flat = str(kept["source"]).encode("ascii"), str(kept["flat"])
        if kept["sha256"] == _hash(source, flat):
            return source, flat
    return None


def write(note: Path, source: bytes, flat: str) -> None:
    """Keep a script, and no more than MOST; where the cache cannot be written, nothing is kept."""
    remember(note, json.dumps({"sha256": _hash(source, flat), "source": source.decode("ascii"), "flat": flat}))
    with suppress(OSError):
        aged = sorted(note.parent.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in aged[MOST:]:
            path.unlink(missing_ok=True)


def _hash(source: bytes, flat: str) -> str:
    return sha256_bytes(f"{sha256_bytes(source)}{sha256_bytes(flat.encode('utf-8'))}".encode())
