"""What a ledger's last entry vouches for: all that results.json says, by one hash.

The entry is written after everything else is known, and nothing in results.json tells of it, so there is no circle.
The hash is of the values and not of the file's bytes, and leaves out the two names that an export may add.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from runner.files import sha256_bytes

KIND = "published"
NAMES = ("author", "github_id")
"""Fields of a job that `golf export` fills in where it has none; they decide nothing."""


def published_sha256(results: Mapping[str, Any]) -> str:
    """Hex SHA-256 of results.json as plain values. TypeError where they are none of JSON's."""
    job = results.get("job")
    kept = {name: value for name, value in job.items() if name not in NAMES} if isinstance(job, Mapping) else job
    text = json.dumps({**results, "job": kept}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256_bytes(text.encode("ascii"))


def last_published(entries: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The last entry of its kind; None where there is none."""
    found = [entry for entry in entries if entry["kind"] == KIND]
    return found[-1] if found else None
