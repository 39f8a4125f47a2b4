"""A job with some of its fields set otherwise, each by its dotted path: variants, sweeps and `--set` rest on it.

The fields are set in what the file says, before anything is checked, so that a job with settings is read as strictly
as one whose file says the same. Nothing here knows why a field is set.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.job.claim import ReadArm
from runner.job.load import job_from_mapping, read_job_text
from runner.job.problems import Problem, did_you_mean, field_paths, report
from runner.job.spec import JobSpec
from runner.yaml_lines import Lines, Place, load_yaml

CONFIG = "config"
"""May be left out of a path: `optim.matrix_lr` is `config.optim.matrix_lr`."""
OF_ALL = ("name", "seeds", "variants", "base", "against")
"""Fields that are the same for all that one file leads to."""


@dataclass(frozen=True)
class RawJob:
    """A job's file as it was read, before anything in it was checked."""

    data: dict[str, Any]
    lines: Lines
    source: str
    """The file's name for messages."""
    folder: Path
    """What relative paths in it start from."""
    read_baseline: ReadArm | None = None
    """Reads the record folder that a claim may name."""


@dataclass(frozen=True)
class Setting:
    """One field and what it is set to."""

    path: str
    """Dotted, as its author wrote it."""
    value: Any
    """Plain data, as YAML gives it."""
    at: Place = ()
    """Where it stands in its file, for messages."""


def read_raw(path: Path, read_baseline: ReadArm | None = None) -> RawJob:
    """A job's file as plain data; UserError where it cannot be read or is no mapping."""
    data, lines = load_yaml(read_job_text(path), str(path))
    if not isinstance(data, dict):
        raise UserError(f"{path}:1: job: must be a mapping of keys such as name, track, seeds, data and config")
    return RawJob(data, lines, str(path), path.parent, read_baseline)


@cache
def known_paths() -> tuple[str, ...]:
    """Every path that can be set, dotted: `data.path`, `config.optim.matrix_lr`, `config.optim` …"""
    return tuple(path for path in field_paths(JobSpec) if path.split(".")[0] not in OF_ALL)


def place_of(path: str) -> Place:
    """Where in a job the field stands that a dotted path names; ValueError says what is wrong with it.

    `config.` may be left out. Below `env` every name is known, since it is the job that makes them up.
    """
    steps = tuple(path.split("."))
    if steps[0] in OF_ALL:
        raise ValueError(f"{path} belongs to all of them and cannot be set for one")
    for named in (path, f"{CONFIG}.{path}"):
        if named in known_paths():
            return tuple(named.split("."))
    if len(steps) > 1 and ".".join(steps[:-1]) in ("env", "outputs.eval_env"):
        return steps
    short = [known.removeprefix(f"{CONFIG}.") for known in known_paths()]
    ends = [known for known in short if known.endswith(f".{steps[-1]}")]
    hint = f" (did you mean {ends[0]!r}?)" if ends else did_you_mean(path, [*known_paths(), *short])
    raise ValueError(f"no field of a job is called so{hint}")


def job_with(
    raw: RawJob,
    settings: Sequence[Setting] = (),
    *,
    changes: Mapping[str, Any] | None = None,
    lines: Lines | None = None,
    source: str | None = None,
    who: str = "",
) -> JobSpec:
    """The job of a file with some fields set.

    changes: top-level fields that their maker sets, name and base among them. lines, source: of the file in which
    the settings stand, where it is another than the job's. who: named in messages, e.g. `variant 7L`. UserError with
    `file:line: field: what is wrong` for a path that no job has, one that is set twice, or a value that is refused.
    """
    their_lines, theirs = raw.lines if lines is None else lines, source or raw.source
    problems: list[Problem] = []
    places: dict[Place, Setting] = {}
    for setting in settings:
        try:
            place = place_of(setting.path)
        except ValueError as error:
            problems.append(Problem((*setting.at, setting.path), str(error)))
            continue
        twice = next((other for other in places if other[: len(place)] == place[: len(other)]), None)
        if twice is not None:
            said = f"sets {'.'.join(map(str, place))}, which {places[twice].path} sets already; keep one of them"
            problems.append(Problem((*setting.at, setting.path), said))
        places[place] = setting
    if problems:
        raise _told(report(problems, their_lines, theirs), who)
    data: dict[str, Any] = copy.deepcopy(raw.data)
    data.pop("variants", None)
    for place, setting in places.items():
        _put(data, place, setting.value)
    data |= changes or {}
    set_at = {place: _line(setting, their_lines) for place, setting in places.items()}
    try:
        return job_from_mapping(
            data, source=raw.source, lines={**raw.lines, **set_at}, folder=raw.folder, read_baseline=raw.read_baseline
        )
    except UserError as error:
        moved = error if theirs == raw.source else _moved(error, raw.source, theirs, set_at)
        raise _told(moved, who) from None


def _line(setting: Setting, lines: Lines) -> int:
    """Where a field was set: a value that is refused is refused there."""
    place: Place = (*setting.at, setting.path)
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _moved(error: UserError, source: str, theirs: str, set_at: Mapping[Place, int]) -> UserError:
    """The same, what is said of fields that another file sets being said of that file."""
    said = str(error).split("\n")
    for place, line in set_at.items():
        before = f"{source}:{line}: {'.'.join(map(str, place))}"
        said = [
            one.replace(source, theirs, 1) if one.startswith((f"{before}:", f"{before}.")) else one for one in said
        ]
    return UserError("\n".join(said))


def _put(data: dict[str, Any], place: Place, value: Any) -> None:
    """Set one field; what stands between and is no mapping yet becomes one."""
    for step in place[:-1]:
        inner = data.get(str(step))
        data[str(step)] = inner if isinstance(inner, dict) else {}
        data = data[str(step)]
    data[str(place[-1])] = copy.deepcopy(value)


def _told(error: UserError, who: str) -> UserError:
    """The same, each of its lines saying which of many jobs it is about."""
    return UserError("\n".join(f"{line} ({who})" for line in str(error).split("\n"))) if who else error
