"""Read a sweep's YAML strictly: every mistake at once, each with file, line and field, before anything is written.

Each end of a range and each choice is tried on the job, so that a value that its field refuses is told here, and not
by the trial that hits it after hours. Whether there is room and data for the trials is asked later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.errors import UserError
from runner.job.claim import ReadArm
from runner.job.problems import Problem, problems_of, report
from runner.job.profiles import with_profile
from runner.job.spec import JobSpec, of_the_run, resolved
from runner.search.overrides import RawJob, Setting, job_with, place_of, read_raw
from runner.search.sweeps.space import read_space
from runner.search.sweeps.spec import (
    Dimension,
    SweepSpec,
    Value,
    as_json,
    corners,
    grid_size,
    settings_of,
)
from runner.untrusted import read_text
from runner.yaml_lines import MAX_BYTES, Lines, Place, load_yaml

LEFT_OUT: dict[str, Any] = {"base": None, "claim": None, "reference": None, "notes": [], "method": None}
"""What says nothing of a trial: it is of the full job."""
UNJUDGED = {"yardsticks": False, "must_beat": None}
"""A trial is held against other trials; yardsticks wait for the job that is promoted."""
MOST_GRID = 100_000


@dataclass(frozen=True)
class Sweep:
    """A sweep that can begin: its file, read and checked."""

    spec: SweepSpec
    space: dict[str, Dimension]
    raw: RawJob
    """The base job's file."""
    lines: Lines
    source: str
    profile: str | None
    base: JobSpec
    """The base job with what every trial sets, under the profile."""
    full: JobSpec
    """The same without a profile, which holds its trials against it: what tells them apart is left."""
    judged: dict[str, Any] = field(default_factory=dict)
    """What UNJUDGED leaves out of it, for the jobs that are promoted."""
    warnings: tuple[str, ...] = ()
    """Combinations that the job refuses although each value alone is fine."""

    @property
    def name(self) -> str:
        return self.spec.name

    def hash8(self) -> str:
        """Names its folder: all that decides what its trials are, but not how many there may be."""
        sampler = self.spec.sampler.model_dump(mode="json")
        facts = {
            "base": {**of_the_run(resolved(self.base)), "name": ""},
            "space": as_json(self.space),
            "sampler": sampler,
            "pruner": self.spec.pruner.model_dump(mode="json"),
            "seeds": list(self.spec.seeds),
        }
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def settings(self, params: Mapping[str, Value]) -> list[Setting]:
        """What a job with these parameters sets, those of every trial first."""
        fixed = [Setting(path, value, ("set",)) for path, value in self.spec.set.items()]
        drawn = settings_of(self.space, params).items()
        return [*fixed, *(Setting(path, _worded(path, value), ("space",)) for path, value in drawn)]

    def trial_job(self, number: int, params: Mapping[str, Value]) -> JobSpec:
        """The job of a trial; UserError where it is refused."""
        note = f"trial {number} of the sweep {self.name}: chosen among by this very seed, and so no record"
        changes = {"seeds": list(self.spec.seeds), "notes": [note], **UNJUDGED}
        return self.job(params, trial_name(self.name, number), changes)

    def job(self, params: Mapping[str, Value], name: str, changes: Mapping[str, Any]) -> JobSpec:
        """The base job with these parameters. UserError where it is refused."""
        job = job_with(
            self.raw,
            self.settings(params),
            changes={**LEFT_OUT, "name": name, **changes},
            lines=self.lines,
            source=self.source,
            who=told(params),
        )
        if self.profile is None:
            return job
        small = with_profile(job, self.profile, beside=self.full)
        asked = {"name": job.name, "seeds": job.seeds}
        judged = {name: getattr(job, name) for name in UNJUDGED if name in changes}
        return small.model_copy(update={**asked, **judged})


def _worded(path: str, value: Any) -> Any:
    """A value as its field takes it: variables of the environment are text."""
    variable = place_of(path)[:-1] in (("env",), ("outputs", "eval_env"))
    return f"{value}" if variable and isinstance(value, int | float) else value


def trial_name(sweep: str, number: int) -> str:
    """The name of a trial's job."""
    return f"{sweep}-t{number:04d}"


def told(params: Mapping[str, Value]) -> str:
    """Parameters for people: `the trial with optim.matrix_lr = 0.04`."""
    listed = ", ".join(f"{path} = {json.dumps(value)}" for path, value in params.items())
    return f"the trial with {listed}" if listed else ""


def load_sweep(path: Path, profile: str | None = None, read_baseline: ReadArm | None = None) -> Sweep:
    """The sweep in a YAML file; UserError names every mistake as `file:line: field: what is wrong`."""
    source = str(path)
    try:
        text = read_text(path, MAX_BYTES, links=True)
    except UserError as error:
        raise UserError(f"{error}; give the path of a sweep") from None
    data, lines = load_yaml(text, source)
    if not isinstance(data, dict):
        raise UserError(f"{source}:1: sweep: must be a mapping of keys such as name, base, space, sampler and budget")
    if "base" not in data and "space" not in data and "track" in data:
        raise UserError(f"{source}:1: is a job and no sweep; `golf run {source}` runs it, docs/sweeps.md has sweeps")
    for key in ("sampler", "pruner"):
        if isinstance(data.get(key), str):
            data = {**data, key: {"name": data[key]}}
    try:
        spec = SweepSpec.model_validate_json(json.dumps(data, allow_nan=False))
    except ValidationError as error:
        raise report(problems_of(error, SweepSpec), lines, source) from None
    raw = _base(path.parent / spec.base, source, lines, read_baseline)
    space, problems = read_space(spec.space)
    problems += _paths(spec) + _limits(spec, space)
    if problems:
        raise report(problems, lines, source)
    plain = _plain(raw, spec, lines, source)
    sweep = Sweep(spec, space, raw, lines, source, None, base=plain, full=plain)
    sweep = replace(sweep, profile=profile, full=sweep.job({}, spec.name, {"seeds": list(spec.seeds)}))
    whole = sweep.job({}, spec.name, {"seeds": list(spec.seeds)})
    judged = {name: getattr(whole, name) for name in UNJUDGED}
    base = sweep.job({}, spec.name, {"seeds": list(spec.seeds), **UNJUDGED})
    sweep = replace(sweep, base=base, judged=judged)
    unfed = _unfed(sweep)
    if unfed:
        raise report([unfed], lines, source)
    _try_values(sweep)
    return replace(sweep, warnings=tuple(_refused_corners(sweep)))


def _base(path: Path, source: str, lines: Lines, read_baseline: ReadArm | None) -> RawJob:
    try:
        return read_raw(path, read_baseline)
    except UserError as error:
        raise UserError(f"{source}:{lines.get(('base',), 1)}: base: {error}") from None


def _plain(raw: RawJob, spec: SweepSpec, lines: Lines, source: str) -> JobSpec:
    """The base job as it is, so that a mistake in it is told as one of its own file."""
    return job_with(raw, (), changes={**LEFT_OUT, "seeds": list(spec.seeds)}, lines=lines, source=source)


def _paths(spec: SweepSpec) -> list[Problem]:
    """Paths that no job has, and fields that are set twice."""
    problems, taken = [], dict[Place, str]()
    for part, paths in (("set", spec.set), ("space", spec.space)):
        for path in paths:
            try:
                place = place_of(path)
            except ValueError as error:
                problems.append(Problem((part, path), str(error)))
                continue
            twice = next((other for other in taken if other[: len(place)] == place[: len(other)]), None)
            if twice is not None:
                said = f"is {'.'.join(map(str, place))}, which stands under {taken[twice]} already; keep one of them"
                problems.append(Problem((part, path), said))
            taken[place] = f"{part} as {path}"
    return problems


def _limits(spec: SweepSpec, space: Mapping[str, Dimension]) -> list[Problem]:
    """A budget of nothing, seeds that stand twice, and what a sampler cannot search."""
    problems = []
    if not any(value is not None for value in spec.budget.model_dump().values()):
        problems.append(Problem(("budget",), "is a budget of nothing; give trials, hours, gpu_hours or dollars"))
    for index, seed in enumerate(spec.seeds):
        if seed in spec.seeds[:index]:
            problems.append(Problem(("seeds", index), f"seed {seed} stands twice; give each seed once"))
    if spec.sampler.name == "grid":
        for path, dimension in space.items():
            if dimension.when:
                said = "a grid takes every combination and knows no conditions; use random or tpe"
                problems.append(Problem(("space", path, "when"), said))
            if dimension.grid() is None:
                said = "a grid needs a choice, an int, or a float with a step"
                problems.append(Problem(("space", path), said))
        size = grid_size(space)
        if size is not None and size > MOST_GRID:
            problems.append(Problem(("sampler",), f"the grid has {size:,} combinations; at most {MOST_GRID:,}"))
    if spec.sampler.name == "cmaes" and all(dimension.kind == "choice" for dimension in space.values()):
        problems.append(Problem(("sampler",), "cmaes searches numbers, and the space has choices only; use tpe"))
    return problems


def _unfed(sweep: Sweep) -> Problem | None:
    """A pruner that would never see a validation."""
    job = sweep.base
    if sweep.spec.pruner.name == "none":
        return None
    every = job.config.log.val_loss_every
    last = job.config.schedule.iterations if job.config.schedule.kind == "steps" else every + 1
    if job.script is None and not 0 < every < last:
        said = (
            "is fed by validations in mid-run, and the job has none; set log.val_loss_every above 0, below its steps"
        )
        return Problem(("pruner",), f"{sweep.spec.pruner.name} {said}")
    if job.script is not None and not job.outputs.step:
        said = "is fed by validations in mid-run; say in the job's outputs.step how its script prints them"
        return Problem(("pruner",), f"{sweep.spec.pruner.name} {said}")
    return None


def _try_values(sweep: Sweep) -> None:
    """UserError where a value that a trial may have is refused by its field, every one of them told."""
    said: list[str] = []
    for path, dimension in sweep.space.items():
        context = dict(_context(sweep, dimension))
        for value in dimension.extremes():
            try:
                sweep.job({**context, path: value}, sweep.name, {"seeds": list(sweep.spec.seeds), **UNJUDGED})
            except UserError as error:
                said += [line for line in str(error).split("\n") if line not in said]
    if said:
        raise UserError("\n".join(said))


def _context(sweep: Sweep, dimension: Dimension) -> Iterator[tuple[str, Value]]:
    """Values of those fields under which a dimension counts."""
    for path, values in dimension.when:
        other = sweep.space[path]
        yield from _context(sweep, other)
        label = next(label for label in other.grid() or () if other.value_of(label) in values)
        yield path, label


def _refused_corners(sweep: Sweep) -> Iterator[str]:
    """What is said of combinations that the job refuses: such a trial will end failed."""
    refused, tried = [], 0
    for params in corners(sweep.space):
        tried += 1
        try:
            sweep.job(params, sweep.name, {"seeds": list(sweep.spec.seeds), **UNJUDGED})
        except UserError as error:
            refused.append(str(error).split("\n")[0])
    if refused:
        told = "corners of the space are refused and would end as failed trials"
        yield f"{len(refused)} of {tried} {told}, e.g. {refused[0]}"
