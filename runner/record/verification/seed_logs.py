"""A seed's log as a record holds it, read once: its parts with their hashes, and what each of them says.

A record joins the logs of a seed's lives, of training and of evaluation into one file; the result's `evidence` says
where one ends. Of a record that lacks it the whole is read as both. Streams; links are not followed. Where more than
MOST_LINES lines of a log tell something, the others are hashed and not looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from runner.errors import UserError
from runner.job.external_script import OutputsSpec
from runner.logs.log_facts import NUMBER, LogReader
from runner.logs.telling import MOST_LINES, every, telling
from runner.results.runs import EvidenceFile, RunResult
from runner.untrusted import is_regular, json_of, opened

PIECE = 1 << 20
MOST_ROUNDED = 64
"""Lines with a rounded score that are kept of one log."""
SCRIPT = re.compile(r"^script_sha256:([0-9a-f]{64}) code_bytes:(\d{1,18})$")
VERSIONS = re.compile(r"^python:(\S{1,40}) torch:(\S{1,80}) numpy:(\S{1,40})$")
FILE = re.compile(r"^file:(tokenizer|val) name:(\S{1,200}) bytes:(\d{1,18}) sha256:([0-9a-f]{64})$")
TRAIN_SHARDS = re.compile(r"^shards:train files:(\d{1,9}) ")
SCORED = re.compile(r"^val_loader:shards .* tokens:(\d{1,18})$")
ROUNDED = re.compile(rf"^final_(\w{{1,60}}) val_loss:{NUMBER} val_bpb:{NUMBER}(?: |$)")
CONFIG = "config:"


@dataclass
class Head:
    """What the lines of a script of ours say of what ran, on what."""

    scripts: set[tuple[str, int]] = field(default_factory=set)
    versions: set[tuple[str, str, str]] = field(default_factory=set)
    configs: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    """`tokenizer` or `val` -> name -> (bytes, sha256)."""
    train_shards: set[int] = field(default_factory=set)
    scored: set[int] = field(default_factory=set)
    rounded: list[tuple[str, str, str]] = field(default_factory=list)
    """(loss, bpb) of the plain score in fewer digits, as printed."""

    def line(self, text: str) -> None:
        """Take one whole line."""
        if text.startswith(CONFIG):
            self._config(text.removeprefix(CONFIG))
        elif found := SCRIPT.match(text):
            self.scripts.add((found[1], int(found[2])))
        elif found := VERSIONS.match(text):
            self.versions.add((found[1], found[2], found[3]))
        elif found := FILE.match(text):
            self.files.setdefault(found[1], {})[found[2]] = int(found[3]), found[4]
        elif found := TRAIN_SHARDS.match(text):
            self.train_shards.add(int(found[1]))
        elif found := SCORED.match(text):
            self.scored.add(int(found[1]))
        elif (found := ROUNDED.match(text)) and len(self.rounded) < MOST_ROUNDED:
            self.rounded.append((found[1], found[2], found[3]))

    def _config(self, text: str) -> None:
        try:
            found = json_of(text, "config")
        except UserError:
            found = {}
        if found not in self.configs:
            self.configs.append(found if isinstance(found, dict) else {})


@dataclass
class SeedLog:
    """What the log of one seed says."""

    train: LogReader
    fresh: LogReader
    """The same reader where nobody noted the parts."""
    head: Head
    parts: list[EvidenceFile]
    """As they are in the record; empty where nobody noted them."""
    rest: int = 0
    """Bytes behind the last part, or that it lacks."""
    whole: bool = True
    """Whether all lines were looked at that may tell something."""


def log_place(folder: Path, seed: int) -> Path:
    """Where a record keeps a seed's log."""
    return folder / f"train_seed{seed}.log"


def noted_logs(result: RunResult) -> list[EvidenceFile]:
    """The parts of a seed's log, in their order."""
    return [one for one in result.evidence if one.name.endswith(".log")]


def read_seed_log(path: Path, result: RunResult, outputs: OutputsSpec | None) -> SeedLog | None:
    """Read a log; None where there is none. outputs: how somebody else's script writes its lines; None for ours."""
    if not is_regular(path):
        return None
    parts = noted_logs(result)
    head = Head() if outputs is None else None
    train = reader_for(outputs)
    fresh = reader_for(outputs) if parts else train
    log = SeedLog(train, fresh, head or Head(), [])
    with opened(path) as handle:
        if not parts:
            log.whole = feed(train, head, iter(lambda: handle.read(PIECE), b""))
            return log
        training = [part for part in parts if part.name.endswith("/train.log")][-1:]
        for part in parts:
            reader = fresh if part.name.endswith("/eval.log") else train if part in training else None
            found, whole = read_part(handle, part, reader, head)
            log.parts.append(found)
            log.whole = log.whole and whole
        log.rest = path.stat().st_size - handle.tell()
    return log


def reader_for(outputs: OutputsSpec | None) -> LogReader:
    """A reader of the lines of a script."""
    if outputs is None:
        return LogReader()
    own = tuple(outputs.pattern(name) for name in ("step", "seed", "sizes") if getattr(outputs, name))
    return LogReader(pattern=outputs.pattern("score"), own=own)


def read_part(
    handle: IO[bytes], part: EvidenceFile, reader: LogReader | None, head: Head | None
) -> tuple[EvidenceFile, bool]:
    """Read one part; its size and hash as they are, and whether all of its lines were looked at.

    The line's end that joins it to the next is no part of it.
    """
    digest, last = hashlib.sha256(), b"\n"

    def pieces() -> Iterator[bytes]:
        nonlocal last
        left = part.bytes
        while left > 0 and (piece := handle.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
            last = piece
            yield piece

    begin = handle.tell()
    whole = feed(reader, head, pieces())
    size = handle.tell() - begin
    if not last.endswith(b"\n"):
        handle.read(1)
    return EvidenceFile(name=part.name, bytes=size, sha256=digest.hexdigest()), whole


def feed(reader: LogReader | None, head: Head | None, pieces: Iterator[bytes]) -> bool:
    """Give a log's bytes to whoever reads it; its last line needs no end. False where it has more lines than are
    looked at; the rest of its pieces is taken all the same."""
    theirs = reader is not None and (reader.pattern is not None or bool(reader.own))
    lines = every(pieces) if theirs else telling(pieces)
    for line in islice(lines, MOST_LINES):
        text = line.decode("utf-8", "replace")
        if reader is not None:
            reader.claim(text)
        if head is not None:
            head.line(text)
    whole = next(lines, None) is None
    for _ in pieces:
        pass
    return whole
