"""What `golf review` is asked: paths and options to scripts, and their reviews, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UserError
from runner.parallel import in_parallel
from runner.verbs.loading import load

if TYPE_CHECKING:
    from runner.audit.facts import Audit
    from runner.job.spec import JobSpec
    from runner.review.facts import ScriptReview
    from runner.review.targets import Target

FEW = 3
"""So many scripts or folders are not worth other processes."""


def environment_of(words: Sequence[str]) -> dict[str, str]:
    """`--env NAME=VALUE` as a mapping; UserError for what has no name or no value."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(f"--env {word}: give NAME=VALUE, e.g. SLOT_ENABLED=1")
        found[name] = value
    return found


def target(path: Path, given: Mapping[str, str], *, toy: bool = False) -> Target:
    """What is to be reviewed at a path; UserError where nothing can be.

    toy: a job of golf's own model for other machines than this kind is taken in its small size, which runs here.
    """
    from dataclasses import replace

    from runner.review.targets import is_job, target_of

    if is_job(path):
        job = whole = load(path)
        if toy and job.script is None and job.hardware != "cpu":
            job = load(path, profile="small")
        made = target_of_job(path, job)
        return replace(made, given={**made.given, **given}, job=made.job and whole)
    return replace(target_of(path), given=dict(given))


def target_of_job(path: Path, job: JobSpec) -> Target:
    """A job's script: its own file with the environment that the job gives it, or the twin that golf makes."""
    from runner.review.targets import Target
    from runner.script.bundle import script_of

    if job.script is not None:
        return Target(path, job.script, given=dict(job.env), run_known=True)
    script = script_of(job)
    return Target(
        path,
        path.with_name("train_gpt.py"),
        content=script.flat.encode(),
        given=dict(job.env),
        run_known=True,
        job=job,
    )


def review_of(folder: Path) -> ScriptReview | None:
    """The review of a record folder's script; None where there is none that can be read."""
    from runner.review.script_review import review_script
    from runner.review.targets import target_of

    try:
        return review_script(target_of(folder))[0]
    except UserError:
        return None


def reviews(
    targets: Sequence[Target],
    log: Path | None,
    readme: Path | None,
    smoke: bool,
    processes: int | None = None,
    *,
    prove: bool = False,
) -> Iterator[ScriptReview | str]:
    """The reviews in their order, or the message of what stood in the way; by as many processes as there are cores.

    smoke: each script is imported, too, prove: it is run on made-up data; both cut off from this machine.
    """
    from runner.review.smoke_review import review_with_smoke

    work = partial(review_with_smoke, log=log, readme=readme, smoke=smoke, proving=prove)
    return in_parallel(work, targets, processes, few=FEW)


def audits_with_code(
    folders: Sequence[Path], processes: int | None = None, *, read_code: bool
) -> Iterator[tuple[Audit | str, ScriptReview | None]]:
    """Audits of record folders in their order, or what stood in the way, each with the review of its script's code.

    read_code: without it no script is read, and all reviews are None.
    """
    return in_parallel(partial(_audit_with_code, read_code=read_code), folders, processes, few=FEW)


def _audit_with_code(folder: Path, *, read_code: bool) -> tuple[Audit | str, ScriptReview | None]:
    from runner.audit.audit import audit_or_error

    audit = audit_or_error(folder)
    return audit, review_of(folder) if read_code and not isinstance(audit, str) else None
