"""What `golf review PATH` is about: a script, the script of a folder, or the script of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.audit.reading.folder import open_folder
from runner.errors import UserError

if TYPE_CHECKING:
    from runner.job.spec import JobSpec

JOBS = (".yaml", ".yml")


@dataclass(frozen=True)
class Target:
    """One script to review.

    path: as the user gave it; script: the file; folder: where README, logs and submission.json lie, None for a script
    alone; content: the script's text where it stands in no file; given: what is known of its environment.
    """

    path: Path
    script: Path
    folder: Path | None = None
    content: bytes | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    run_known: bool = False
    """Whether `given` is all that the run had, so that defaults hold for the rest."""
    job: JobSpec | None = None
    """The job of golf's own model whose script this is; None for any other script."""


def target_of(path: Path) -> Target:
    """The script of a file or folder; UserError where there is none. Jobs are their loader's (`is_job`)."""
    if path.is_dir():
        folder = open_folder(path)
        if folder.script is None:
            raise UserError(f"{path}: no script (*.py) lies there; give the script's own path")
        return Target(path, path / folder.script, (path / folder.script).parent)
    return Target(path, path)


def is_job(path: Path) -> bool:
    """Whether a path names a job rather than a script."""
    return path.suffix.lower() in JOBS
