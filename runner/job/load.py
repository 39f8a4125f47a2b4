"""Read a job's YAML strictly: every mistake at once, each with file, line and field.

The value itself is in job_spec.py, the rules of tracks in tracks.py. Whether the data exist and the artifact
will fit is preflight's question, not asked here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.job.base import base_spec
from runner.job.claim import ReadArm, resolved_claim
from runner.job.external_script import is_code, read_bytes
from runner.job.problems import Problem, choice_message, problems_of, report
from runner.job.prose import with_prose
from runner.job.spec import DataSpec, JobSpec, LimitsSpec, job_hash, resolved
from runner.job.tracks import HARDWARE, TRACKS, track_problems
from runner.job.variables import unnamed_paths
from runner.own_jobs.by_name import data_start, is_bare, shipped
from runner.printable import control_in, cut
from runner.results.comparisons import Arm
from runner.sinks.spec import written_out
from runner.untrusted import read_text
from runner.yaml_lines import MAX_BYTES, Lines, Place, load_yaml

MOST_PATH = 4096
"""Characters of a path on the systems that golf runs on."""
EVERY_FIELD = "every field of a job, with its type, default and unit: docs/job-reference.md"
UNASKED = ("base", "notes", "method")
"""What is not read of a job that another one sets out from."""

__all__ = [
    "DataSpec",
    "JobSpec",
    "LimitsSpec",
    "job_from_mapping",
    "job_hash",
    "load_job",
    "resolved",
    "with_seeds",
]


def load_job(path: Path, read_baseline: ReadArm | None = None) -> JobSpec:
    """The job in a YAML file; UserError names every mistake as `file:line: field: what is wrong`.

    read_baseline: reads the record folder that a claim may name.
    """
    text = read_job_text(path)
    try:
        return _job_in(text, path, read_baseline)
    except UserError as error:
        raise UserError(f"{error}\n{EVERY_FIELD}") from None


def _job_in(text: str, path: Path, read_baseline: ReadArm | None) -> JobSpec:
    data, lines = load_yaml(text, str(path))
    if isinstance(data, dict) and "space" in data and "track" not in data:
        raise UserError(f"{path}:1: is a sweep and no job; `golf sweep run {path}` runs it")
    job = job_from_mapping(data, source=str(path), lines=lines, folder=path.parent, read_baseline=read_baseline)
    problems = [Problem(place, said) for place, said in _foreign_paths(job)]
    if problems:
        raise report(problems, lines, str(path))
    return job


def job_from_mapping(
    data: Any,
    *,
    source: str,
    lines: Lines | None = None,
    folder: Path | None = None,
    read_baseline: ReadArm | None = None,
) -> JobSpec:
    """The job in plain data, as YAML or JSON give it.

    source: name for messages; lines: line of each place (line 1 where unknown); folder: what relative paths
    start from (default: the current one, and no file of prose is read); read_baseline: reads the record folder that a
    claim may name, which is refused without it. Raises UserError.
    """
    where = lines or {}
    if not isinstance(data, dict):
        raise UserError(f"{source}:1: job: must be a mapping of keys such as name, track, seeds, data and config")
    data = _written_out(data)
    if isinstance(data.get("base"), str):
        data = {**data, "base": _base(data["base"], source, where, folder or Path(), read_baseline)}
    data, missing = with_prose(data, folder)
    missing += _names(data)
    try:
        # As JSON, because there a list may become a tuple and text a path while numbers stay strict.
        job = JobSpec.model_validate_json(json.dumps(data, allow_nan=False))
    except ValidationError as error:
        raise report([*problems_of(error, JobSpec), *missing], where, source) from None
    problems = missing or [Problem(place, message) for place, message in track_problems(job)]
    if problems:
        raise report(problems, where, source)
    job = _with_absolute_paths(job, _start(folder))
    problems = list(_misleading_names(job))
    if problems:
        raise report(problems, where, source)
    if job.claim is None:
        return job
    try:
        claim = resolved_claim(job.claim, _start(folder), read_baseline or _no_folder)
    except UserError as error:
        said = cut(str(error), MOST_PATH + 120)  # it begins with the folder, and ends with what is wrong there
        raise report([Problem(("claim", "baseline", "record"), said)], where, source) from None
    return job.model_copy(update={"claim": claim})


def _start(folder: Path | None) -> Path:
    """Where relative paths begin.

    A driver on a cluster may outlive its working folder, which Ray removes; whole paths need none.
    """
    try:
        return (folder or Path()).absolute()
    except FileNotFoundError:
        return Path("/")


def with_seeds(job: JobSpec, seeds: Sequence[int]) -> JobSpec:
    """The same job for other seeds, checked like those of a file."""
    data = {**resolved(job), "seeds": list(seeds)}
    return job_from_mapping(data, source="--seeds")


def _base(named: str, source: str, lines: Lines, folder: Path, read_baseline: ReadArm | None) -> dict[str, Any]:
    """What the job at the path `named` says; of the job that it sets out from itself nothing is asked."""
    path = folder / named
    if is_bare(Path(named)) and not path.is_file():
        path = shipped().get(named, path)
    at = lines.get(("base",), 1)
    if _is_same_file(path, source):
        raise UserError(f"{source}:{at}: base: is this job's own file; name the job that it sets out from, or none")
    try:
        data, its_lines = load_yaml(read_job_text(path), str(path))
        alone = {key: value for key, value in data.items() if key not in UNASKED} if isinstance(data, dict) else data
        job = job_from_mapping(
            alone, source=str(path), lines=its_lines, folder=path.parent, read_baseline=read_baseline
        )
    except UserError as error:
        said = "\n".join(cut(line, MOST_PATH + 120) for line in str(error).split("\n"))
        raise UserError(f"{source}:{at}: base: {said}") from None
    return base_spec(job).model_dump(mode="json")


def _is_same_file(path: Path, source: str) -> bool:
    try:
        return path.samefile(source)
    except (OSError, ValueError):  # one of them is no file
        return False


def _no_folder(path: Path) -> Arm:
    raise UserError(f"{path}: a record folder is read only where a job's file names it; give val_bpb")


def read_job_text(path: Path) -> str:
    """A job file's text; UserError where there is none, or it is no file of a job's size."""
    try:
        return read_text(path, MAX_BYTES, links=True)
    except UserError as error:
        raise UserError(f"{error}; give the path of a job") from None


def _written_out(data: dict[str, Any]) -> dict[str, Any]:
    """What is only named as the mapping that it stands for: a sink, a claim's baseline that is a path or scores."""
    if "sinks" in data:
        data = {**data, "sinks": written_out(data["sinks"])}
    claim = data.get("claim")
    if not isinstance(claim, dict):
        return data
    for kind, field in ((str, "record"), (list, "val_bpb")):
        if isinstance(claim.get("baseline"), kind):
            return {**data, "claim": {**claim, "baseline": {field: claim["baseline"]}}}
    return data


def _names(data: dict[str, Any]) -> list[Problem]:
    """Names that stand in tables rather than in types."""
    track, hardware = data.get("track"), data.get("hardware", "auto")
    problems = []
    if isinstance(track, str) and track not in TRACKS:
        problems.append(Problem(("track",), choice_message(track, TRACKS)))
    if isinstance(hardware, str) and hardware not in HARDWARE:
        problems.append(Problem(("hardware",), choice_message(hardware, HARDWARE)))
    return problems


def _misleading_names(job: JobSpec) -> Iterator[Problem]:
    """Paths that a script or a log is told, with a character by which a line of them would look like two."""
    places = {("data", "path"): job.data.path, ("data", "tokenizer"): job.data.tokenizer, ("script",): job.script}
    for place, path in places.items():
        if path is not None and (control := control_in(str(path))):
            yield Problem(place, f"holds a control character ({control}), here or in a folder above; rename it")


def _foreign_paths(job: JobSpec) -> Iterator[tuple[Place, str]]:
    """Variables of a job that hold a path which its script does not ask for; none where the script is not here."""
    if job.script is None:
        return
    try:
        files = [job.script, *(job.script.parent / name for name in job.files if is_code(name))]
        sources = "\n".join(read_bytes(path).decode("utf-8", "replace") for path in files)
    except (UserError, OSError):
        return  # told, with what is missing, by whoever needs the script itself
    for place, settings in ((("env",), job.env), (("outputs", "eval_env"), job.outputs.eval_env)):
        for name, said in unnamed_paths(settings, sources):
            yield (*place, name), said


def _without_detour(path: Path) -> Path:
    """The path without `x/..`, where that is the same place: x need not be there for a script that is cut off."""
    plain = Path(os.path.normpath(path))
    return plain if plain.resolve() == path.resolve() else path


def _with_absolute_paths(job: JobSpec, folder: Path) -> JobSpec:
    given = {name: getattr(job.data, name) for name in ("path", "tokenizer")}
    start = data_start(folder)
    places = {name: _without_detour(start / path) for name, path in given.items() if path is not None}
    script = None if job.script is None else folder / job.script
    against = None if job.against is None else _without_detour(folder / job.against)
    sinks = None if job.sinks is None else job.sinks.below(folder)
    data = job.data.model_copy(update=places)
    return job.model_copy(update={"data": data, "script": script, "against": against, "sinks": sinks})
