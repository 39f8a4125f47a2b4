"""The jobs that golf brings: where they lie, and which one a bare name means.

In a checkout they are in `jobs/`; an installed golf has them beside its packages, as `golf_jobs`. Reads no job.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

INSTALLED, CHECKOUT = "golf_jobs", "jobs"
PLACES = {"job": (".", "variants"), "sweep": ("sweeps",)}
"""Kind of file -> folders that have some, the first one first."""


@cache
def folder(root: Path | None = None) -> Path | None:
    """Where golf's own jobs lie; None where this golf has none. root: the folder that its packages lie in."""
    root = root or Path(__file__).resolve().parents[2]
    if (root / INSTALLED).is_dir():
        return root / INSTALLED
    return root / CHECKOUT if (root / "pyproject.toml").is_file() and (root / CHECKOUT).is_dir() else None


def shipped(kind: str = "job", root: Path | None = None) -> dict[str, Path]:
    """Name -> file of golf's own jobs, or sweeps."""
    place = folder(root)
    found: dict[str, Path] = {}
    for inner in PLACES[kind] if place is not None else ():
        assert place is not None
        for path in sorted((place / inner).glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def is_bare(path: Path) -> bool:
    """Whether a path is a word alone, without folder or ending."""
    return len(path.parts) == 1 and not path.suffix and not path.is_absolute()


def data_start(start: Path) -> Path:
    """Where relative paths of data start that a job in `start` names: there.

    Nobody keeps shards among installed packages: for golf's own jobs there it is `jobs/` below the current folder, so
    that their `../data` is what `golf data fetch` writes here.
    """
    place = folder()
    if place is None or place.name != INSTALLED or not start.resolve().is_relative_to(place):
        return start
    return Path(CHECKOUT).absolute() / start.resolve().relative_to(place)
