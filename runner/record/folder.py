"""A record folder, opened to be looked at: its results, its script and its list of hashes. Nothing is executed.

Whoever made the folder may be anybody: links are not followed, names do not lead out of it, sizes are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.errors import UserError
from runner.files import sha256_files
from runner.job.external_script import MAX_FILE_BYTES
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec, of_the_run
from runner.plan.past_results import SHELVES
from runner.record.files import bounded, read_results
from runner.referee import referee_sha256
from runner.results.record import RecordData
from runner.untrusted import MOST_BYTES


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
        there = elsewhere(folder)
        instead = f"{there} is there" if there else "give a record's, e.g. records/local/2026-01-02_quickstart"
        raise UserError(f"{folder}: no such folder; {instead}")
    data = read_results(folder)
    names = data.job.get("files")
    inside = [
        name
        for name in (names if isinstance(names, list) else ())
        if isinstance(name, str) and is_inside(folder / "files", name)
    ]
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for name in inside:
        above = (folder / "files", *(folder / "files" / part for part in list(Path(name).parents)[:-1]))
        if linked := next((place for place in above if place.is_symlink()), None):
            raise UserError(f"{linked}: is a link; put the folder itself there")
        files[name] = bounded(folder / "files" / name, left)
        left -= len(files[name])
    return Record(folder, data, bounded(folder / "train_gpt.py", MAX_FILE_BYTES), files)


def elsewhere(folder: Path) -> Path | None:
    """The same folder below the shelf of another verdict, for a path or pattern that leads nowhere; None without one.

    Who looks for a run's record below `records/` does not know yet that it was rejected.
    """
    parts = folder.parts
    at = next((index for index, part in enumerate(parts) if part in SHELVES), None)
    if at is None or {"..", "**"} & set(parts) or len(parts) > at + 3:
        return None
    root, pattern = Path(*parts[:at]), "/".join(parts[at + 1 :])
    try:
        return next(
            (path for shelf in SHELVES for path in sorted((root / shelf).glob(pattern)) if path.is_dir()), None
        )
    except (OSError, ValueError):  # no pattern
        return None


def is_inside(folder: Path, name: str) -> bool:
    """Whether a name leads to a place in `folder`, by its words alone."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and folder != folder / name


def stored_job(data: RecordData) -> JobSpec:
    """The job that a record keeps, checked like any other; UserError where it is none."""
    return job_from_mapping(of_the_run(data.job), source="results.json")


def of_this_golf(data: RecordData) -> bool:
    """Whether the very sources that judge now made the record."""
    return data.referee_sha256 == referee_sha256()
