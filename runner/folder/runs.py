"""The runs of an output folder: which there are, which one is meant, and whether a driver lives there.

Reads what a driver leaves on disk; starts and stops nothing.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from runner.errors import UserError
from runner.files import write_atomic
from runner.folder.paths import RunFolder
from runner.job.base import decisive, flat_fields
from runner.job.problems import did_you_mean
from runner.printable import cut
from runner.untrusted import read_json

MOST_NOTE_BYTES, MOST_JOB_BYTES = 1 << 20, 16 << 20


@dataclass(frozen=True)
class DriverNote:
    """Who drives a run, or drove it last, and how it was told to."""

    pid: int
    started: float
    """Start of that process, which no later process with its number shares: see `start_of`."""
    host: str
    address: str = ""
    """Ray cluster; '' for this machine."""
    local: bool = False
    """Without Ray."""
    ended: bool = False
    """It said itself that it had ended; one that was killed could not."""

    def lives(self) -> bool | None:
        """Whether it is still at work; None where it ran on another machine and did not say."""
        if self.ended:
            return False
        if self.host != platform.node():
            return None
        try:
            process = psutil.Process(self.pid)
            return start_of(self.pid) == self.started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def start_of(pid: int) -> float:
    """When a process started, as a number that stays the same while it lives. psutil.Error where there is none.

    On Linux that is the kernel's count of ticks since boot: psutil's time of day moves when the wall clock is set.
    """
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return float(fields[19])
    return psutil.Process(pid).create_time()


@contextmanager
def noted_driver(folder: RunFolder, way: Mapping[str, str | bool]) -> Iterator[None]:
    """Leave word of this process in the run folder; way: `address` and `local` as the command line had them."""
    note = DriverNote(
        os.getpid(), start_of(os.getpid()), platform.node(), str(way.get("address", "")), bool(way.get("local"))
    )
    write_atomic(folder.driver, json.dumps(asdict(note)) + "\n")
    try:
        yield
    finally:
        with suppress(OSError):  # on a full disk the process's end says the same
            write_atomic(folder.driver, json.dumps(asdict(replace(note, ended=True))) + "\n")


def driver_of(folder: RunFolder) -> DriverNote | None:
    """The driver's note; None where none was left or it cannot be read."""
    try:
        return DriverNote(**read_json(folder.driver, MOST_NOTE_BYTES))
    except (UserError, TypeError):
        return None


def noted_job(folder: RunFolder) -> Any:
    """The job that a run began with, as plain JSON. UserError where it cannot be read."""
    try:
        return read_json(folder.job, MOST_JOB_BYTES)
    except UserError:
        advice = "run the job's own file again: finished seeds are kept, and this file is written anew"
        raise UserError(f"{folder.job}: cannot be read, or is not as golf wrote it; {advice}") from None


def all_runs(output: Path) -> list[RunFolder]:
    """Every run folder, the one that was written to last at the end."""
    found = [path.parent for path in (output / "runs").glob("*/job.json")]
    return [RunFolder(path) for path in sorted(found, key=lambda path: (path.stat().st_mtime, path.name))]


LATEST = "latest"
"""In the place of a run's name: the one that was written to last."""
SHOWN_FIELDS = 3
"""Fields, of those that tell runs of one name apart, that a message names."""


def find_run(output: Path, name: str) -> RunFolder:
    """The run that a name means; UserError where none or several do.

    name: of a run folder or its beginning, of its job, of the job's file, or `latest`.
    """
    runs = all_runs(output)
    wanted = Path(name).stem if name.endswith((".yaml", ".yml")) else Path(name.rstrip("/")).name
    ways: tuple[Callable[[RunFolder], bool], ...] = (
        lambda run: run.path.name == wanted,
        lambda run: run.path.name.rpartition("-")[0] == wanted,
        lambda run: wanted == LATEST and run == runs[-1],
        lambda run: wanted != "" and run.path.name.startswith(wanted),
    )
    for means in ways:
        found = [run for run in runs if means(run)]
        if len(found) == 1:
            return found[0]
        if found:
            told = "".join(f"\n  {run.path.name}  {words}" for run, words in told_apart(found))
            raise UserError(f"{name}: {len(found)} runs have this name; give one of them, or {LATEST}:{told}")
    names = [run.path.name for run in runs]
    jobs = sorted({name.rpartition("-")[0] for name in names})
    there = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else "there is none"
    raise UserError(f"{name}: no run of this name under {output / 'runs'}; {there}{did_you_mean(wanted, jobs)}")


def told_apart(runs: Sequence[RunFolder]) -> Iterator[tuple[RunFolder, str]]:
    """Each run with the fields of its job that the others have not, or have other values of."""
    jobs = [(run, _fields(run)) for run in runs]
    read = [fields for _, fields in jobs if fields is not None]
    differ = [name for name in dict.fromkeys(key for one in read for key in one) if not _same(name, read)]
    for run, own in jobs:
        if own is None:
            yield run, "its job cannot be read"
            continue
        shown = [f"{name} {cut(json.dumps(own.get(name)), 40)}" for name in differ[:SHOWN_FIELDS]]
        more = f" and {len(differ) - SHOWN_FIELDS} more" if len(differ) > SHOWN_FIELDS else ""
        yield run, (", ".join(shown) + more) or "the same job by another script"


def _fields(run: RunFolder) -> dict[str, Any] | None:
    """The fields of a run's job that decide its results, by dotted name; None where they cannot be read."""
    try:
        job = noted_job(run)
    except UserError:
        return None
    return dict(flat_fields(decisive(job))) if isinstance(job, Mapping) else None


def _same(name: str, fields: Sequence[Mapping[str, Any]]) -> bool:
    return all(name in one and one[name] == fields[0].get(name) for one in fields)
