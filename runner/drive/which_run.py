"""Which run folder a job leads to, and whether all of it is done. Nothing is opened or changed for that."""

from __future__ import annotations

import json
from pathlib import Path

from runner.drive.collect import finished_attempt
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.job.spec import of_the_run
from runner.plan.plan import Plan
from runner.script.bundle import Script


def job_sha256(plan: Plan) -> str:
    """Of the resolved job without its seeds, as ledgers name it."""
    return sha256_bytes(json.dumps({**of_the_run(plan.resolved), "seeds": []}, sort_keys=True).encode())


def run_name(plan: Plan, script: Script) -> str:
    """The run folder's name."""
    return f"{plan.job.name}-{plan.hash8(script.sha256)}"


def all_finished(plan: Plan, script: Script, root: Path) -> bool:
    """Whether every seed of the job has a result that counts, so that running it starts nothing."""
    folder = RunFolder(root / "runs" / run_name(plan, script))
    try:
        vouched = Ledger(folder.ledger, read_only=True).finished_hashes()
    except (UserError, OSError):
        return False
    return bool(plan.job.seeds) and all(
        finished_attempt(folder.attempts(seed), script.sha256, vouched) is not None for seed in plan.job.seeds
    )


def require_run(plan: Plan, script: Script, name: str) -> None:
    """UserError unless this job, script, data and hardware lead to the run folder `name`."""
    if run_name(plan, script) != name:
        raise UserError(
            f"{name}: its data or hardware are others now and would make another run, {run_name(plan, script)}. "
            "Bring back what was there, or run the job anew"
        )
