"""A verb's job and the terminal it prints to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from runner.job.spec import JobSpec
    from runner.results.duels import Side
    from runner.search.variants import Family


@dataclass(frozen=True)
class JobFile:
    """A job's file, read once, under a profile and with the seeds of the command line where they were given."""

    path: Path
    whole: JobSpec
    """The job as the file says it, without profile and other seeds."""
    job: JobSpec
    """The job; of several variants the base."""
    family: Family | None = None
    """All variants, where it has any."""

    def one(self, variant: str | None = None) -> JobSpec:
        """The job of a variant; the base, or of a job without any the job, where none is named. UserError for an
        unknown one."""
        if variant is None:
            return self.job
        if self.family is None:
            raise UserError(f"--variant {variant}: {self.path} has no variants:")
        return self.family.chosen(variant).job


def opened(path: Path, seeds: str | None = None, profile: str | None = None) -> JobFile:
    """The job in a file. UserError names every mistake with file, line and field."""
    from runner.job.load import EVERY_FIELD, load_job, with_seeds
    from runner.job.profiles import with_profile
    from runner.record.comparison_sources import arm_of_folder
    from runner.search.overrides import read_raw

    whole = load_job(path, arm_of_folder)
    asked = None if seeds is None else parsed_seeds(seeds)
    if "variants" not in whole.model_fields_set:
        job = with_profile(whole, profile)
        return JobFile(path, whole, job if asked is None else with_seeds(job, asked))
    from runner.search.variants import read_family, sized

    try:
        family = read_family(read_raw(path, arm_of_folder))
    except UserError as error:
        raise UserError(f"{error}\n{EVERY_FIELD}") from None
    assert family is not None  # the file says variants:
    family = sized(family, asked, profile)
    return JobFile(path, whole, family.base.job, family)


def load(path: Path, seeds: str | None = None, profile: str | None = None, variant: str | None = None) -> JobSpec:
    """The job of a file, or of one of its variants. See `opened`."""
    return opened(path, seeds, profile).one(variant)


def duel_jobs(baseline: JobSpec, candidate: JobSpec, profile: str | None) -> dict[Side, JobSpec]:
    """Both sides of a duel under a profile, which leaves what tells them apart."""
    from runner.job.profiles import with_profile

    return {
        "baseline": with_profile(baseline, profile),
        "candidate": with_profile(candidate, profile, beside=baseline),
    }


def load_with(
    path: Path, settings: Mapping[str, Any], seeds: Sequence[int] | None, profile: str | None, name: str | None
) -> JobSpec:
    """The job of a file, or of golf's own by name, with fields set by their dotted paths. See runner.load_job."""
    from runner.job.load import load_job, with_seeds
    from runner.job.profiles import with_profile
    from runner.record.comparison_sources import arm_of_folder
    from runner.search.overrides import Setting, job_with, read_raw
    from runner.verbs.options import own_or_shipped

    file = own_or_shipped(path, "job")
    listed = [Setting(field, value) for field, value in settings.items()]
    changes = {} if name is None else {"name": name}
    plain = load_job(file, arm_of_folder) if not listed and not changes else None
    job = plain or job_with(read_raw(file, arm_of_folder), listed, changes=changes)
    job = with_profile(job, profile)
    return job if seeds is None else with_seeds(job, seeds)


def parsed_seeds(seeds: str) -> list[int]:
    """What `--seeds` says."""
    try:
        return [int(part) for part in seeds.split(",")]
    except ValueError:
        raise UserError(f"--seeds {seeds!r}: whole numbers with commas between them, e.g. 1337,42,2024") from None


def ours(job: JobSpec) -> JobSpec:
    """A job whose script is made from its configuration; UserError for one that brings its own."""
    if job.script is not None:
        raise UserError(
            f"{job.name}: its script is {job.script.name}, which runs as it is; only a job with config: has a model "
            "to look at and is made into one file"
        )
    return job


def silent_terminal() -> Console:
    """A terminal that shows nothing."""
    from rich.console import Console

    return Console(quiet=True)


def terminal(*, to_error: bool = False) -> Console:
    """The terminal; where there is none, lines of 100 columns, so that no table is cut in a log.

    to_error: where what is asked for goes to standard output, and the rest must not.
    """
    from rich.console import Console

    console = Console(stderr=to_error)
    return console if console.is_terminal else Console(stderr=to_error, width=100)
