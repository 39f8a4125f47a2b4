"""A record folder, opened to be looked at: its results, its script and its list of hashes. Nothing is executed.

Whoever made the folder may be anybody: links are not followed, names do not lead out of it, sizes are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from runner.errors import UserError
from runner.files import sha256_files
from runner.results import RecordData

CHECKSUMS = "SHA256SUMS"
MOST_BYTES = 64 << 20
"""A larger file of a record is not read into memory."""


@dataclass(frozen=True)
class Record:
    """A record folder, opened."""

    folder: Path
    data: RecordData
    script: bytes
    files: Mapping[str, bytes]
    """What lies beside somebody else's script."""

    @property
    def script_sha256(self) -> str:
        return sha256_files(self.script, self.files)


def open_record(folder: Path) -> Record:
    """Read a record folder; UserError where it is none of golf's."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give a record's, e.g. records/local/2026-01-02_quickstart")
    try:
        data = RecordData.model_validate_json(bounded(folder / "results.json"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(
            f"{folder / 'results.json'}: {place}: {first['msg']}; it is not as golf wrote it, or of another version"
        ) from None
    names = data.job.get("files")
    inside = [
        name
        for name in (names if isinstance(names, list) else ())
        if isinstance(name, str) and is_inside(folder / "files", name)
    ]
    files = {name: bounded(folder / "files" / name) for name in inside}
    return Record(folder, data, bounded(folder / "train_gpt.py"), files)


def is_inside(folder: Path, name: str) -> bool:
    """Whether a name leads to a place in `folder`, by its words alone."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and folder != folder / name


def bounded(path: Path) -> bytes:
    """A file's content; UserError where it is missing, a link, or too large."""
    if path.is_symlink() or not path.is_file():
        raise UserError(f"{path}: {'is no plain file' if path.exists() else 'no such file'}; a record of golf has it")
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path}: {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    return path.read_bytes()


def listed_sums(folder: Path) -> dict[str, str]:
    """Name -> hash of SHA256SUMS; lines that are none of ours are left out."""
    pairs = (line.split("  ", 1) for line in bounded(folder / CHECKSUMS).decode("utf-8", "replace").splitlines())
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
