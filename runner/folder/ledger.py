"""The append-only, hash-chained list of everything a run folder ever launched.

Each line is JSON with the hash of the line before it, so that no line can be changed, or dropped from the middle,
without the chain showing it; a result counts only while a line of the chain carries its hash. A truncated last line
is set aside on opening (runner.folder.truncated_tail). This file keeps the chain; what goes into it is its caller's.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.files import sha256_bytes, write_whole
from runner.folder.truncated_tail import is_truncated, set_aside, unfinished
from runner.untrusted import json_of, read_bytes

GENESIS = "0" * 64


def entry_hash(entry: dict[str, Any]) -> str:
    """SHA-256 over the entry without its own hash, keys sorted."""
    body = {key: value for key, value in entry.items() if key != "hash"}
    return sha256_bytes(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def utc_now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_chain(path: Path, *, unfinished_ok: bool = False) -> list[dict[str, Any]]:
    """All entries of a ledger; UserError naming the first line at which the chain is broken.

    unfinished_ok: a last line that is truncated, or being written at this moment, is not there yet.
    """
    entries: list[dict[str, Any]] = []
    previous = GENESIS
    lines = read_bytes(path).split(b"\n")
    if lines[-1] == b"" or (unfinished_ok and is_truncated(unfinished(lines[-1]), len(lines))):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            entry = json_of(line, "line")
            sound = entry["prev"] == previous and entry["hash"] == entry_hash(entry) and entry["seq"] == number
        except (UserError, ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise UserError(
                f"{path}:{number}: the ledger's chain is broken here: the line was changed, dropped or added by "
                "hand. Restore the file, or move the whole run folder aside and run the job anew."
            )
        entries.append(entry)
        previous = entry["hash"]
    return entries


def seeds_of(entries: Iterable[Mapping[str, Any]]) -> list[int]:
    """Every seed that these entries announce, in their order."""
    return [seed for entry in entries if entry["kind"] == "registered" for seed in entry["seeds"]]


class Ledger:
    """A ledger opened for appending; one writer at a time (the run folder's lock sees to that).

    read_only: somebody's copy, in which nothing is mended.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.torn = set_aside(path) if path.exists() and not read_only else {}
        """What was set aside of a line that an earlier life did not finish; {} for nothing."""
        self.entries = check_chain(path) if path.exists() else []

    def append(self, kind: str, **facts: Any) -> None:
        """Add one entry and bring it to the device before returning."""
        self.extend(kind, [facts])

    def extend(self, kind: str, each: Sequence[Mapping[str, Any]]) -> None:
        """Add an entry for each of these facts and bring all to the device at once: for a thousand seeds one wait."""
        entries: list[dict[str, Any]] = []
        previous = self.entries[-1]["hash"] if self.entries else GENESIS
        for seq, facts in enumerate(each, start=len(self.entries) + 1):
            entry: dict[str, Any] = {"seq": seq, "time": utc_now(), "kind": kind, **facts, "prev": previous}
            previous = entry["hash"] = entry_hash(entry)
            entries.append(entry)
        if not entries:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("ab", buffering=0) as handle:
                lines = (json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
                write_whole(handle, "".join(lines).encode())
                os.fsync(handle.fileno())
        except BaseException:
            # Half a line, or a whole one that we do not know of, would break the chain at the next append.
            if self.path.exists():
                os.truncate(self.path, before)
            raise
        self.entries += entries

    def registered_seeds(self) -> list[int]:
        """Every seed ever announced for this job, in the order of announcement."""
        return seeds_of(self.entries)

    def finished_hashes(self) -> set[str]:
        """SHA-256 of every result file that the ledger vouches for."""
        return {str(entry["result_sha256"]) for entry in self.entries if "result_sha256" in entry}

    def completed(self) -> dict[int, int]:
        """Seed -> the attempt, by its number, that completed last."""
        ends = (entry for entry in self.entries if entry["kind"] == "finished" and entry["status"] == "completed")
        return {entry["seed"]: entry["attempt"] for entry in ends}

    def counts(self) -> dict[str, int]:
        """How many launches there were and how they ended."""
        kinds = Counter(str(entry["kind"]) for entry in self.entries)
        ends = Counter(str(entry["status"]) for entry in self.entries if entry["kind"] == "finished")
        return {"registrations": kinds["registered"], "launches": kinds["launched"], **dict(sorted(ends.items()))}
