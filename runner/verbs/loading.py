"""A verb's job and the terminal it prints to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from runner.job.spec import JobSpec


def load(path: Path, seeds: str | None = None, profile: str | None = None) -> JobSpec:
    """The job under a profile, with the seeds of the command line where they were given."""
    from runner.job.load import load_job, with_seeds
    from runner.job.profiles import with_profile
    from runner.record.comparison_sources import arm_of_folder

    job = with_profile(load_job(path, arm_of_folder), profile)
    if seeds is None:
        return job
    try:
        chosen = [int(part) for part in seeds.split(",")]
    except ValueError:
        raise UserError(f"--seeds {seeds!r}: whole numbers with commas between them, e.g. 1337,42,2024") from None
    return with_seeds(job, chosen)


def ours(job: JobSpec) -> JobSpec:
    """A job whose script is made from its configuration; UserError for one that brings its own."""
    if job.script is not None:
        raise UserError(
            f"{job.name}: its script is {job.script.name}, which runs as it is; only a job with config: has a model "
            "to look at and is made into one file"
        )
    return job


def terminal(*, to_error: bool = False) -> Console:
    """The terminal; where there is none, lines of 100 columns, so that no table is cut in a log.

    to_error: where what is asked for goes to standard output, and the rest must not.
    """
    from rich.console import Console

    console = Console(stderr=to_error)
    return console if console.is_terminal else Console(stderr=to_error, width=100)
