"""Every file name of a sweep's folder, and which sweep is meant.

sweeps/<name>-<hash8>/
    sweep.json          what is searched, and what the data were
    journal.log         Optuna's journal: every trial
    sessions/           how long each driver was at work
    driver.json  lock   who drives it, or did last
    trials/             each trial's job, and what its run said
    runs/               each trial's run folder, as golf run leaves it
    promoted/           jobs of the best; promoted.json, what they reached
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.files import locked, write_atomic
from runner.folder.paths import RunFolder
from runner.folder.runs import noted_driver
from runner.job.problems import did_you_mean
from runner.search.sweeps.facts import Promoted
from runner.untrusted import read_json

SHELF = "sweeps"
MARK = "sweep.json"
BEAT_S = 5.0
"""A driver notes so often how long it has been at work; a kill loses no more."""


@dataclass(frozen=True)
class SweepFolder:
    """The files of one sweep."""

    path: Path

    @property
    def about(self) -> Path:
        return self.path / MARK

    @property
    def journal(self) -> Path:
        return self.path / "journal.log"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def promoted(self) -> Path:
        return self.path / "promoted.json"

    @property
    def ended(self) -> Path:
        return self.path / "ended.json"

    def job(self, name: str) -> Path:
        """The file of a trial's job."""
        return self.path / "trials" / f"{name}.json"

    def log(self, name: str) -> Path:
        """What its run told."""
        return self.path / "trials" / f"{name}.log"

    def promoted_job(self, name: str) -> Path:
        return self.path / "promoted" / f"{name}.yaml"

    @property
    def sessions(self) -> Path:
        return self.path / "sessions"


@contextmanager
def sole_sweep(folder: SweepFolder, way: dict[str, str | bool]) -> Iterator[None]:
    """Hold the sweep; a second driver gets a UserError. way: `address` and `local` as the command line had them."""
    try:
        with locked(folder.lock, wait=False), noted_driver(RunFolder(folder.path), way):
            yield
    except BlockingIOError:
        raise UserError(
            f"{folder.path}: another golf is at work on this sweep; wait for it, or stop it first"
        ) from None


class Session:
    """How long this driver has been at work, noted as it goes."""

    def __init__(self, folder: SweepFolder) -> None:
        before = [int(path.stem) for path in folder.sessions.glob("*.json") if path.stem.isdecimal()]
        self.path = folder.sessions / f"{max(before, default=0) + 1}.json"
        self.before = spent_seconds(folder)
        self.begun = self.noted = time.monotonic()
        self._write()

    @property
    def seconds(self) -> float:
        """All drivers' time so far."""
        return self.before + time.monotonic() - self.begun

    def beat(self) -> None:
        """Note the time, now and then."""
        if time.monotonic() - self.noted >= BEAT_S:
            self._write()

    def end(self) -> None:
        """Note it for the last time."""
        self._write()

    def _write(self) -> None:
        self.noted = time.monotonic()
        write_atomic(self.path, json.dumps({"seconds": round(self.noted - self.begun, 3)}) + "\n")


def spent_seconds(folder: SweepFolder) -> float:
    """How long drivers of the sweep have been at work; what cannot be read counts as nothing."""
    total = 0.0
    for path in folder.sessions.glob("*.json"):
        try:
            seconds = read_json(path, 1 << 16)["seconds"]
        except (UserError, KeyError, TypeError):
            continue
        total += seconds if isinstance(seconds, int | float) and seconds > 0 else 0.0
    return total


def all_sweeps(output: Path) -> list[SweepFolder]:
    """Every sweep's folder, the one that was written to last at the end."""
    found = [path.parent for path in (output / SHELF).glob(f"*/{MARK}")]
    return [SweepFolder(path) for path in sorted(found, key=lambda path: (_touched(path), path.name))]


def _touched(path: Path) -> float:
    return max(one.stat().st_mtime for one in (path / MARK, path / "journal.log") if one.exists())


def find_sweep(output: Path, name: str | None) -> SweepFolder:
    """The sweep that a name means, or the only one; UserError where none or several do.

    name: of its folder or the folder's beginning, of the sweep, or of the sweep's file.
    """
    sweeps = all_sweeps(output)
    names = [sweep.path.name for sweep in sweeps]
    there = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else "there is none"
    if name is None:
        if len(sweeps) == 1:
            return sweeps[0]
        raise UserError(f"which sweep? Under {output / SHELF} {there}")
    wanted = name.rstrip("/")
    files = {sweep.path.name: _file_of(sweep) for sweep in sweeps}
    for means in (
        lambda one: one.path.name == Path(wanted).name,
        lambda one: files[one.path.name] == str(Path(wanted).absolute()),
        lambda one: one.path.name.rpartition("-")[0] == wanted,
        lambda one: one.path.name.startswith(wanted),
    ):
        found = [one for one in sweeps if means(one)]
        if len(found) == 1:
            return found[0]
        if found:
            told = ", ".join(one.path.name for one in found)
            raise UserError(f"{name}: {len(found)} sweeps have this name; give one of {told}")
    stems = sorted({one.rpartition("-")[0] for one in names})
    raise UserError(f"{name}: no sweep of this name under {output / SHELF}; {there}{did_you_mean(wanted, stems)}")


def _file_of(sweep: SweepFolder) -> str:
    try:
        return str(read_about(sweep).get("file", ""))
    except UserError:
        return ""


def read_about(folder: SweepFolder) -> dict[str, Any]:
    """What sweep.json says. UserError where it cannot be read."""
    about = read_json(folder.about, 16 << 20)
    if not isinstance(about, dict):
        raise UserError(f"{folder.about}: is not as golf wrote it; restore it, or move the sweep's folder aside")
    return about


def read_promoted(folder: SweepFolder) -> list[Promoted]:
    """What was promoted so far."""
    if not folder.promoted.exists():
        return []
    try:
        return [Promoted.model_validate(one) for one in read_json(folder.promoted, 1 << 20)]
    except (ValidationError, TypeError):
        raise UserError(f"{folder.promoted}: is not as golf wrote it; move it aside") from None


def write_promoted(folder: SweepFolder, promoted: list[Promoted]) -> None:
    """Store what was promoted."""
    write_atomic(folder.promoted, json.dumps([one.model_dump(mode="json") for one in promoted], indent=2) + "\n")


def require_no_trial(output: Path) -> None:
    """UserError where `output` is a sweep's folder: its runs were chosen by their scores and are no records."""
    if (output / MARK).is_file():
        raise UserError(
            f"{output}: is a sweep's folder; a trial's own score is never published. golf sweep best --promote runs "
            "the best on fresh seeds"
        )
