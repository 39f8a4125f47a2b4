"""What a run's folder says of the job that it runs: limits, price, likely size, what a seed takes of a node.

Worked out from job.json as `golf plan` does, once for each state of that file. A job that this golf cannot read any
more leaves all of it unknown.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from runner.backends.nodes import Need, node_of
from runner.errors import UserError
from runner.folder.paths import RunFolder
from runner.folder.runs import noted_job
from runner.job.hardware import PROFILES
from runner.job.spec import JobSpec
from runner.job.tracks import Limits
from runner.live.outlook import Work, work_of
from runner.plan.plan import make_outline
from runner.results.verdicts import SizeForecast


@dataclass(frozen=True)
class NotedJob:
    """A run's job, as far as a screen wants it."""

    track: str
    limits: Limits
    iterations: int | None
    """Steps after which training ends; None where the clock ends it, or nobody knows."""
    work: Work
    need: Need
    concurrent: int
    """Seeds side by side on one node, at most."""
    forecast: SizeForecast | None
    """Bytes of script and artifact, before anything ran; None for somebody else's script."""
    own: tuple[re.Pattern[str], ...] = ()
    """How somebody else's script writes a step."""


def noted(run: RunFolder) -> NotedJob | None:
    """What the run's job.json says; None where it cannot be read."""
    try:
        job, script = run.job.stat(), run.script.stat()
    except OSError:
        return None
    return _noted(run.path, (job.st_mtime_ns, job.st_size), script.st_size)


@lru_cache(maxsize=512)
def _noted(path: Path, state: tuple[int, int], code_bytes: int) -> NotedJob | None:
    """state: of job.json, for which this is remembered."""
    try:
        # It is resolved: no path in it is relative, and the folder that a driver began in may be gone.
        job = JobSpec.model_validate_json(json.dumps(noted_job(RunFolder(path))))
        hardware = PROFILES[job.hardware]
        node = node_of(hardware)
        plan = make_outline(job, code_bytes, [replace(node, gpus=max(node.gpus, job.nproc or 0))])
    except (UserError, ValueError, KeyError):
        return None
    theirs = job.script is not None
    by_steps = not theirs and job.config.schedule.kind == "steps"
    return NotedJob(
        track=job.track,
        limits=plan.limits,
        iterations=job.config.schedule.iterations if by_steps else None,
        work=work_of(plan),
        need=plan.need,
        concurrent=plan.concurrent,
        forecast=plan.forecast,
        own=(job.outputs.pattern("step"),) if theirs else (),
    )
