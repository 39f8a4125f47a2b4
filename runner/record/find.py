"""Record folders of ours, found and read; one that cannot be read is one clear line and stops no other.

Knows results.json alone. Other people's folders are the audit's (runner.audit), what a record says of itself is not
checked here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.audit.reading.folder import RECORD_SIGNS, SKIPPED
from runner.errors import UserError
from runner.record.files import CHECKSUMS, RESULTS, is_as_listed, read_results
from runner.results.record import RecordData
from runner.results.variants import VariantTable
from runner.untrusted import read_json, walked

COMPARED = ("records", "unverified")
"""Shelves on which a record stands that others may be compared with."""
LOOKED_AT = 5


def find_record_folders(paths: Iterable[Path]) -> list[Path]:
    """The record folders that are named, or lie under folders that are named, each once.

    A path under which none lies is given back as it is, so that reading it says why. Links are not followed.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [path] if (path / RESULTS).is_file() else sorted(_under(path))
        for folder in inside or [path]:
            found.setdefault(Path(os.path.realpath(folder)), folder)  # unlike resolve, bears links in a circle
    return list(found.values())


def _under(root: Path) -> Iterator[Path]:
    for base, folders, files in walked(root):
        if {RESULTS, *RECORD_SIGNS} & set(files):
            yield base
            folders[:] = []  # what lies inside belongs to it
        else:
            folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]


def is_ours(folder: Path) -> bool:
    """Whether a folder's results.json says that it is one of golf's; one that cannot be read is taken for one."""
    path = folder / RESULTS
    try:
        stored = read_json(path)
    except UserError:
        return os.path.lexists(path)
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
        data = read_results(folder)
        changed = not is_as_listed(folder)
    except UserError as error:
        return str(error)
    return (
        f"{folder / RESULTS}: is not the file that {CHECKSUMS} lists, so no number of it is shown"
        if changed
        else data
    )


def to_compare_with(folder: Path, data: RecordData) -> Path | None:
    """Another job's record that a new one may be set against: the newest beside it of the same text and track.

    folder, data: the new one. Of the newest LOOKED_AT ones; None where there is none.
    """
    root = folder.parents[2] if len(folder.parents) > 2 else Path()
    for shelf in COMPARED:
        found = [path.parent for path in root.glob(f"{shelf}/{folder.parent.name}/*/{RESULTS}")]
        for other in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:LOOKED_AT]:
            theirs = record_or_problem(other) if other.name != folder.name else ""
            if not isinstance(theirs, str) and theirs.name != data.name and theirs.data.name == data.data.name:
                return other
    return None


def variant_tables(paths: Iterable[Path]) -> list[VariantTable]:
    """The tables of variants in the records that are named, or lie under folders that are named, each once.

    UserError where a record cannot be read, or none has such a table.
    """
    found: list[VariantTable] = []
    for folder in find_record_folders(paths):
        data = record_or_problem(folder)
        if isinstance(data, str):
            raise UserError(data)
        if data.variant_table is not None and data.variant_table not in found:
            found.append(data.variant_table)
    if not found:
        told = ", ".join(str(path) for path in paths)
        raise UserError(f"{told}: no record there is of a job with variants; golf run JOB makes such records")
    return found
