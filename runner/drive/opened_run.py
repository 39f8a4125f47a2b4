"""How a run begins: its folder held and brought in order, what it runs written down, its seeds registered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from runner.drive.orders import goes_on
from runner.drive.recovery import adopt_results, adopt_trainings, open_ledger, remove_unfinished, withdraw_unheard
from runner.drive.which_run import job_sha256, run_name
from runner.errors import UserError
from runner.files import locked, write_atomic
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.folder.runs import noted_driver
from runner.plan.plan import Plan
from runner.script.bundle import Script


@contextmanager
def sole_driver(folder: RunFolder) -> Iterator[None]:
    """Hold the run folder; a second driver on the same job gets a UserError instead of a race."""
    try:
        with locked(folder.lock, wait=False):
            yield
    except BlockingIOError:
        raise UserError(
            f"{folder.path}: another golf is running this very job; wait for it, or stop it first"
        ) from None


@contextmanager
def opened_run(
    plan: Plan, script: Script, root: Path, console: Console, way: Mapping[str, str | bool] | None = None
) -> Iterator[tuple[RunFolder, Ledger]]:
    """The job's run folder as its sole driver has it, brought in order, and its ledger. way: see run_plan."""
    folder = RunFolder(root / "runs" / run_name(plan, script))
    with sole_driver(folder), noted_driver(folder, way or {}):
        write_atomic(folder.job, json.dumps(plan.resolved, indent=2) + "\n")
        write_atomic(folder.script, script.source)
        if script.flat:
            write_atomic(folder.flat_script, script.flat)
        for name, content in script.files.items():
            write_atomic(folder.files / name, content)
        ledger = open_ledger(folder, console)
        remove_unfinished(folder.path)
        if not goes_on(plan):  # else something of it may lie on its node, by the attempt's number
            withdraw_unheard(folder, ledger)
        adopt_results(folder, ledger, script.sha256)
        adopt_trainings(folder, ledger, script.sha256)
        yield folder, ledger


def register(ledger: Ledger, plan: Plan, script: Script, seeds: Sequence[int]) -> None:
    """Put seeds, script and job into the ledger before anything is launched, unless they stand there already."""
    known = ledger.registered_seeds()
    new = [seed for seed in seeds if seed not in known]
    if new:
        ledger.append(
            "registered",
            seeds=new,
            script_sha256=script.sha256,
            job=plan.resolved["name"],
            job_sha256=job_sha256(plan),
        )
