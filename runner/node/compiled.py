"""Code that torch's compiler made, kept on a node from one seed of a script to its next, each phase's by itself.

Else every seed compiles anew what its sisters compiled. Only for scripts that golf made, whose code says what is in
their caches: somebody else's could hand on weights. What training wrote is put where trainings find it, and nothing
that it wrote is ever given to an evaluation. A phase works on copies of its own, so that seeds side by side do not
meet. A cache that is lost, or too large to keep, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from runner.files import remove_tree
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Phase

FOLDER = ".compiled"
"""Begins with a dot, so that the sweep of work folders leaves it alone."""
KEPT = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Variables that name what is kept."""
FORGOTTEN_AFTER_S = 3 * 86_400.0
MOST_BYTES, MOST_FILES = 1 << 30, 20_000


def place_of(spec: AttemptSpec, phase: Phase, device: str, scratch: Path) -> Path | None:
    """Where a phase's compiled code lies between seeds; None where none is kept: for somebody else's script.

    device: name of what computes. The same for all seeds with this script, torch, device and number of processes.
    """
    if spec.outputs is not None:
        return None
    versions = {}
    for name in ("torch", "triton"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    script = hashlib.sha256(spec.script).hexdigest()
    told = repr((script, versions, device, spec.nproc, sorted(spec.env.items())))
    return scratch / FOLDER / hashlib.sha256(told.encode()).hexdigest()[:32] / phase


def fetch(place: Path | None, places: Mapping[str, str]) -> None:
    """Put what is kept into a phase's own folders, which are empty. places: variables and what they say."""
    if place is None:
        return
    for name in KEPT:
        with contextlib.suppress(OSError):
            shutil.copytree(place / name, places[name], symlinks=True, dirs_exist_ok=True)


def keep(place: Path | None, places: Mapping[str, str]) -> None:
    """Keep what a phase compiled, unless an earlier one's is kept. Regular files alone, and not too many of them."""
    if place is None or place.exists():
        return
    found = [file for name in KEPT for file in regular_files(Path(places[name]))]
    if not found or len(found) > MOST_FILES:
        return
    aside = place.with_name(f".{place.name}-{os.getpid()}-{time.monotonic_ns()}")
    try:
        aside.mkdir(mode=0o700, parents=True)
        copy_within(found, {Path(places[name]): aside / name for name in KEPT}, MOST_BYTES)
        aside.rename(place)
    except OSError:  # too large, no space, another seed was first
        remove_tree(aside)


def regular_files(folder: Path) -> list[Path]:
    """All files of a folder, whatever a script made of it; links are followed nowhere, MOST_FILES and one at most."""
    found: list[Path] = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            if path.is_file() and not path.is_symlink():
                found.append(path)
            if len(found) > MOST_FILES:
                return found
    return found


def copy_within(files: Sequence[Path], roots: Mapping[Path, Path], most: int) -> None:
    """Copy files from below each root to below what it maps to; OSError for more than `most` bytes."""
    for file in files:
        most -= file.stat().st_size
        if most < 0:
            raise OSError("more than is kept")
        for root, other in roots.items():
            if file.is_relative_to(root):
                copy = other / file.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy, follow_symlinks=False)
                copy.chmod(0o755 if file.suffix == ".so" else 0o644)


def sweep_old(scratch: Path) -> None:
    """Remove what nobody has made anew for three days."""
    oldest = time.time() - FORGOTTEN_AFTER_S
    with contextlib.suppress(OSError):
        for path in (scratch / FOLDER).iterdir():
            if path.stat().st_mtime < oldest:
                remove_tree(path)
