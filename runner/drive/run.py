"""`golf run`, once planned: job in, finished seeds and everything a record is written from out.

Plan, one script, attempts on a backend, verification, verdict: each step passes values to the next. What is
already finished under the same job, script and data is kept and never run again. Writing the record is the
caller's step (only the command line may know the reporter).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from runner.backends.backend import Backend, LocalBackend
from runner.budget.gate import Gate
from runner.drive.assess import JudgedRun, assess, counted_result, publish
from runner.drive.collect import finished_attempt
from runner.drive.driver import Driver, Observe
from runner.drive.launching import Launcher
from runner.drive.opened_run import opened_run, register
from runner.drive.watch.progress import Progress
from runner.errors import UserError
from runner.files import require_space
from runner.folder.held import held
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.job.open_data import DataRequest
from runner.job.spec import without_folders
from runner.live.ahead import Ahead
from runner.plan.plan import Plan
from runner.plan.run_time import gate_of
from runner.printable import print_line
from runner.results.runs import RunResult
from runner.script.bundle import Script
from runner.sequential.waves import waves
from runner.sinks.sinks import Sinks
from runner.sinks.told import opening, verdict

Lay = Callable[[RunFolder, Ledger, Sequence[int]], None]


def run_seeds(
    plan: Plan,
    script: Script,
    folder: RunFolder,
    ledger: Ledger,
    console: Console,
    seeds: Sequence[int],
    make_backend: Callable[[DataRequest], Backend],
    observe: Observe | None,
    lay: Lay | None = None,
    sinks: Sinks | None = None,
    gate: Gate | None = None,
) -> None:
    """Run those of `seeds` that are not finished yet. lay, sinks: see run_plan. gate: of the job's budget."""
    ahead = Ahead(plan, ledger.entries)
    progress = Progress(console, list(seeds), plan.limits.train_seconds, ahead=ahead)
    waiting, vouched, completed = [], ledger.finished_hashes(), ledger.completed()
    for seed in seeds:
        kept = finished_attempt(folder.attempts(seed), script.sha256, vouched)
        if kept is None:
            waiting.append(seed)
            if seed in completed:
                progress.say(
                    f"seed {seed}: attempt {completed[seed]} completed, but its result or artifact is gone or "
                    "was changed; it runs again, and the ledger tells of both"
                )
        else:
            progress.kept(seed, kept)
    if plan.forecast is not None:  # of a script that is not ours, nobody knows what it writes
        what = f"the artifacts of {len(waiting):,} seeds" if len(waiting) > 1 else "the artifact of a seed"
        require_space(folder.path, plan.forecast.low * len(waiting), what)
    register(ledger, plan, script, seeds)
    progress.opening()
    if waiting and lay is not None:
        lay(folder, ledger, waiting)
    if waiting:
        if gate is not None:
            progress.say(gate.outlook(len(waiting)))
        request = replace(plan.request, files=plan.data.facts.files)
        with progress:
            any_completed = len(waiting) < len(seeds) or bool(completed)
            launcher = Launcher(plan, script, folder, ledger, progress, sinks or Sinks(), gate)
            driver = Driver(launcher, observe, any_completed=any_completed)
            backend = make_backend(request)
            ahead.local = isinstance(backend, LocalBackend)
            driver.drive(backend, waiting)


def run_plan(
    plan: Plan,
    script: Script,
    root: Path,
    console: Console,
    make_backend: Callable[[DataRequest], Backend] = LocalBackend,
    way: Mapping[str, str | bool] | None = None,
    observe: Observe | None = None,
    lay: Lay | None = None,
    sinks: Sinks | None = None,
) -> JudgedRun:
    """Run a planned job to its verdict; see the module's first lines.

    way: how to go on with it (runner.folder.runs). observe: is shown each attempt's collector after every message.
    lay: brings in trainings that ended elsewhere, of the seeds that wait, once they are registered.
    sinks: who else is told how it goes.
    """
    job, sinks = plan.job, sinks or Sinks()
    with opened_run(plan, script, root, console, way) as (folder, ledger):
        spent = list(held(folder, ledger.entries))
        gate = gate_of(plan, spent)
        if gate is not None and not spent and lay is None and not gate.fits(gate.expected()):
            raise UserError(f"{folder.path.name}: {gate.refusal()}")
        patterns = [job.outputs.step] if job.script is not None else []
        sinks.tell(opening(folder.path.name, without_folders(plan.resolved), patterns))

        def result_of(seed: int) -> RunResult | None:
            return counted_result(folder, seed, script.sha256, ledger.finished_hashes())

        def say(line: str) -> None:
            print_line(console, line)

        for seeds in waves(job, ledger, result_of, say):
            run_seeds(plan, script, folder, ledger, console, seeds, make_backend, observe, lay, sinks, gate)
        done = assess(plan, script, folder, ledger)
        publish(ledger, done.data)
        sinks.tell(verdict(done.data))
        return done
