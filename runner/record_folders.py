"""Record folders of ours, found and read; one that cannot be read is one clear line and stops no other.

Knows results.json alone. Other people's folders are the audit's (runner.audit), what a record says of itself is not
checked here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from runner.audit.folder import RECORD_SIGNS, SKIPPED
from runner.errors import UserError
from runner.results import RecordData
from runner.strict import MAX_SEED

RESULTS = "results.json"
MOST_BYTES = 64 * 2**20
"""Of a results.json; one of three seeds has about 30 kB."""


BEYOND = 10**15
"""No limit of a job is that large."""


def find_record_folders(paths: Iterable[Path]) -> list[Path]:
    """The record folders that are named, or lie under folders that are named, each once.

    A path under which none lies is given back as it is, so that reading it says why. Links are not followed.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [path] if (path / RESULTS).is_file() else sorted(_under(path))
        for folder in inside or [path]:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _under(root: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(root, followlinks=False):
        if {RESULTS, *RECORD_SIGNS} & set(files):
            yield Path(base)
            folders[:] = []  # what lies inside belongs to it
        else:
            folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]


def read_record(folder: Path) -> RecordData:
    """results.json of one of our record folders. UserError, in one line, where there is none or it is not one."""
    path = folder / RESULTS
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: larger than {MOST_BYTES:,} bytes, so not a record's")
        data = RecordData.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path}: is not a record's: {cut(where)}: {cut(first['msg'])}") from None
    problem = impossible(data)
    if problem:
        raise UserError(f"{path}: is not a record's: {problem}")
    return data


def impossible(data: RecordData) -> str:
    """What no run of golf can have written, though its type fits; empty where there is nothing."""
    for result in data.results:
        if not 0 <= result.seed <= MAX_SEED or not 0 <= result.attempt <= MAX_SEED:
            return "results: a seed or attempt beyond what a job may name"
    for name in ("cap_bytes", "train_seconds", "eval_seconds"):
        if not 0 < data.limits.get(name, 0) < BEYOND:
            return f"limits: {name} is missing or no positive number"
    return ""


def is_ours(folder: Path) -> bool:
    """Whether a folder's results.json says that it is one of golf's; one that cannot be read is taken for one."""
    path = folder / RESULTS
    try:
        if path.stat().st_size > MOST_BYTES:
            return True
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return path.is_file()
    return isinstance(stored, dict) and "schema_version" in stored


def record_or_problem(folder: Path) -> RecordData | str:
    """The record in a folder, or in one line why there is none."""
    if not folder.is_dir():
        return f"{folder}: {'is a file, not a folder' if folder.exists() else 'there is no such folder'}"
    if not (folder / RESULTS).is_file():
        if {path.name for path in folder.iterdir()} & RECORD_SIGNS:
            return f"{folder}: has no {RESULTS}, so not a record of ours; golf audit reads it"
        return f"{folder}: no record folder lies there"
    try:
        return read_record(folder)
    except UserError as error:
        return str(error)


def cut(text: str, most: int = 120) -> str:
    """Text from outside for a message: printable, on one line, not longer than `most` characters."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."
