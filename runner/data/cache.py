"""Where prepared data lies, who may write there, and what is remembered about shards too big to check each time.

The cache root is GOLF_CACHE or ~/.cache/golf. `FileFacts` (sha256, tokens, largest id) of a big shard are
remembered under `checked/`, keyed by path, size, modification time and inode: a file that was replaced or
edited is read anew. Small shards are read each time, which is quick. What was found out about a whole data set
lies under the hashes of all that it was found from (`note_path`). A lost or damaged entry costs time, never
correctness.

Does not cover: what a prepared folder holds (corpus.py, dataset.py).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner.data.shards import read_shard, shard_tokens
from runner.errors import UserError
from runner.files import sha256_bytes, sha256_file, write_atomic
from runner.machine import home_folder
from runner.untrusted import read_bytes, read_json

REMEMBER_FROM_BYTES = 64 << 20
MOST_NOTE_BYTES = 1 << 20
"""Of anything that is remembered; what is larger is none of ours."""


def cache_root(cache: Path | None = None) -> Path:
    """The folder for prepared data: `cache` if given, else GOLF_CACHE, else ~/.cache/golf."""
    if cache is not None:
        return cache
    named = os.environ.get("GOLF_CACHE")
    return Path(named) if named else home_folder() / ".cache" / "golf"


@dataclass(frozen=True)
class FileFacts:
    """What reading a whole shard told."""

    sha256: str
    tokens: int
    largest_id: int


def shard_facts(path: Path, cache: Path, remember_from: int = REMEMBER_FROM_BYTES) -> FileFacts:
    """Check and hash a shard, or take over what an earlier look at this very file found.

    remember_from: size in bytes from which the outcome is kept.
    """
    expected = shard_tokens(path)
    stat = path.stat()
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}|{stat.st_dev}"
    note = cache / "checked" / f"{sha256_bytes(key.encode())[:32]}.json"
    big = stat.st_size >= remember_from
    known = _read_note(note) if big else None
    if known is not None and known.tokens == expected:
        return known
    tokens = read_shard(path)
    facts = FileFacts(sha256_file(path), len(tokens), int(tokens.max()))
    if big:
        write_atomic(note, json.dumps(asdict(facts)))
    return facts


def note_path(cache: Path, kind: str, basis: object) -> Path:
    """Where something is remembered that follows from `basis`, plain JSON of hashes and settings, alone."""
    digest = sha256_bytes(json.dumps(basis, sort_keys=True).encode())
    return cache / kind / f"{digest[:32]}.json"


def remember(note: Path, content: str) -> None:
    """Write a note; where the cache cannot be written, it will be found out again."""
    with suppress(OSError):
        write_atomic(note, content)


def remembered(note: Path) -> Any:
    """What a note holds, as plain JSON; UserError where there is none, or none that we wrote."""
    return read_json(note, MOST_NOTE_BYTES)


def remembered_bytes(note: Path) -> bytes:
    """The same for who builds values of it; UserError where there is no such file."""
    return read_bytes(note, MOST_NOTE_BYTES)


def _read_note(note: Path) -> FileFacts | None:
    try:
        stored = remembered(note)
        return FileFacts(str(stored["sha256"]), int(stored["tokens"]), int(stored["largest_id"]))
    except (UserError, ValueError, KeyError, TypeError):
        return None
