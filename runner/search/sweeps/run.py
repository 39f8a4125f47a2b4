"""`golf sweep`, from a sweep's file to how it stands when its budget is spent: place, data, folder, study, driver.

The trials themselves are driver.py's. Nothing is written before it is known that trials can run here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from runner.drive.execute import Place, Where, machine_of, open_place, watched
from runner.errors import UserError
from runner.files import require_writable, write_atomic
from runner.job.spec import resolved
from runner.plan.plan import Plan, make_plan
from runner.printable import print_line
from runner.script.bundle import script_of
from runner.search.sweeps.driver import SweepDriver
from runner.search.sweeps.facts import SweepFacts
from runner.search.sweeps.file import Sweep
from runner.search.sweeps.folder import SHELF, Session, SweepFolder, read_about, sole_sweep
from runner.search.sweeps.spec import as_json
from runner.search.sweeps.standing import facts_of
from runner.search.sweeps.study import Study
from runner.search.sweeps.trial import Grounds


def run_sweep(sweep: Sweep, output: Path, where: Where, console: Console) -> SweepFacts:
    """Run a sweep until its budget is spent, or go on with it; how it stands then.

    UserError, before anything is written, where its trials cannot run here.
    """

    def say(line: str) -> None:
        print_line(console, line)

    for line in sweep.warnings:
        say(f"warning: {line}")
    require_writable(output)
    script = script_of(sweep.base)
    place = open_place(where, console)
    folder = SweepFolder(output / SHELF / f"{sweep.name}-{sweep.hash8()}")
    grounds = Grounds(folder, place, where, say)
    data = grounds.data(sweep.base)
    plan = make_plan(sweep.base, data, script.code_bytes, place.nodes())
    require_budget(sweep, plan)
    files = data.facts.files
    if folder.about.exists() and read_about(folder).get("data") != files:
        raise UserError(
            f"{folder.path}: its data are others now, and trials on them do not compare; rename the sweep"
        )
    there = room(plan, place)
    # Without Ray there is no queue that would hold back what this machine has no room for.
    slots = min(sweep.spec.parallel or 1, there) if where.local else sweep.spec.parallel or there
    way: dict[str, str | bool] = {"address": where.address or "", "local": where.local}
    with machine_of(where, plan, console), sole_sweep(folder, way):
        write_about(folder, sweep, files, slots)
        folder.ended.unlink(missing_ok=True)
        with watched(where, f"golf sweep {sweep.source}", sweep.base.stall_seconds, folder.path):
            study = Study(folder.journal, sweep.spec, sweep.space)
            say(f"sweep {folder.path.name}: {study.count:,} trials so far, {slots:,} at a time, in {folder.path}")
            driver = SweepDriver(sweep, study, grounds, Session(folder), slots, say)
            ended = driver.drive()
        write_atomic(folder.ended, json.dumps({"reason": ended}) + "\n")
        say(f"ended: {ended}")
    return facts_of(folder, study.trials())


def write_about(folder: SweepFolder, sweep: Sweep, files: Mapping[str, str], slots: int) -> None:
    """Store what the sweep is, for those who look at it without its file."""
    spec = sweep.spec
    about = {
        "name": spec.name,
        "file": str(Path(sweep.source).absolute()),
        "profile": sweep.profile,
        "base": resolved(sweep.base),
        "base_file": str(Path(sweep.raw.source).absolute()),
        "judged": sweep.judged,
        "set": spec.set,
        "space": as_json(sweep.space),
        "sampler": spec.sampler.model_dump(mode="json"),
        "pruner": spec.pruner.model_dump(mode="json"),
        "budget": spec.budget.model_dump(mode="json"),
        "seeds": list(spec.seeds),
        "parallel": slots,
        "data": dict(files),
    }
    write_atomic(folder.about, json.dumps(about, indent=2) + "\n")


def require_budget(sweep: Sweep, plan: Plan) -> None:
    """UserError where a limit can never be reached: nobody knows the price, or no GPU is used."""
    limits, line = sweep.spec.budget, sweep.lines
    for name, never in (
        ("gpu_hours", f"hardware {plan.hardware.name} has no GPU" if not plan.need.gpus else ""),
        (
            "dollars",
            f"the price of hardware {plan.hardware.name} is not known"
            if plan.hardware.dollars_per_hour is None
            else "",
        ),
    ):
        if getattr(limits, name) is not None and never:
            at = line.get(("budget", name), 1)
            raise UserError(f"{sweep.source}:{at}: budget.{name}: {never}; give trials or hours")


def room(plan: Plan, place: Place) -> int:
    """Trials that the nodes can take at once, at least one."""
    seeds = 0
    for node in place.nodes():
        if plan.need.fits(node):
            whole = 1 if plan.need.alone else node.cpus // plan.need.cpus
            seeds += min(whole, node.gpus // plan.need.gpus) if plan.need.gpus else whole
    return max(1, seeds // len(plan.job.seeds))
