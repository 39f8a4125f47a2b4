"""The referee: plans, runs, measures, verifies and judges. Never imports torch.

For notebooks and programs, docs/python.md:

    from runner import load_job, open_record, plan_job, run_local

Each imports what it needs when it is called, so that whatever imports a module of this package pays for none of it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Any

    from reports.record.frames import RecordFrames
    from runner.job.spec import JobSpec

__all__ = ["load_job", "open_record", "plan_job", "run_local"]


def load_job(
    job: str | PathLike[str],
    *,
    settings: Mapping[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
    profile: str | None = None,
    name: str | None = None,
) -> JobSpec:
    """A job from its YAML file, or by the name of one of golf's own, with some fields set otherwise.

    settings: dotted path -> value, e.g. {"optim.matrix_lr": 0.03}; `config.` may be left out. seeds: instead of the
    job's. profile: `small` or `steps`, another size. name: another name, so that its record is told from the job's.
    Raises runner.errors.UserError, with file, line and field, for whatever is wrong.
    """
    from pathlib import Path

    from runner.verbs.loading import load_with

    return load_with(Path(job), settings or {}, seeds, profile, name)


def plan_job(job: JobSpec) -> dict[str, Any]:
    """What a run of the job on this machine would be, as `golf plan --json` tells it: size, time, nodes, warnings.

    Starts nothing; neither data nor hardware need be here. UserError for a job that cannot run anywhere.
    """
    from runner.verbs.jobs import plan_ahead
    from runner.verbs.loading import silent_terminal

    return plan_ahead(job, silent_terminal())[0]


def run_local(job: JobSpec, output: str | PathLike[str] = ".", *, quiet: bool = False) -> Path:
    """Train, score and judge the job's seeds in this process, one after the other; the folder of their record.

    output: where `runs/` and the record are kept. What is finished there already is kept, and the rest goes on.
    quiet: print nothing. UserError, before anything runs, for data, a size or hardware that will not do; whatever the
    verdict is, a record is written (`open_record(folder).verdict`).
    """
    from pathlib import Path

    from runner.cli.driving import recorded
    from runner.drive.execute import Where, execute
    from runner.script.bundle import script_of
    from runner.search.sweeps.folder import require_no_trial
    from runner.verbs.loading import silent_terminal, terminal

    place = Path(output)
    require_no_trial(place)
    done = execute(job, script_of(job), place, Where(local=True), silent_terminal() if quiet else terminal())
    return recorded(done, place)


def open_record(folder: str | PathLike[str]) -> RecordFrames:
    """A record folder as pandas tables: seeds, summary, checks, losses, attempts. Nothing of it is executed.

    UserError where it is none of golf's. Whether its files still are what it says, `golf verify` checks.
    """
    from pathlib import Path

    from reports.record.frames import RecordFrames
    from runner.record.folder import open_record as opened

    return RecordFrames(opened(Path(folder)).data)
