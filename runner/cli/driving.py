"""From jobs to their records: run them, write what they gave, show it, and end with its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from runner.printable import print_line
from runner.verbs.loading import duel_jobs, terminal

if TYPE_CHECKING:
    from runner.drive.assess import JudgedRun
    from runner.drive.execute import Where
    from runner.job.spec import JobSpec
    from runner.script.bundle import Script
    from runner.search.variants import Family, Variant

EXIT_CODES = {"passed": 0, "rejected": 1, "unverified": 3, "repacked": 0}
"""Of a verdict; 2 is the user's error."""
WORST = ("passed", "repacked", "unverified", "rejected")
"""Verdicts, the worst one last: of several runs that decides."""


def drive_job(job: JobSpec, script: Script, output: Path, where: Where, only: str | None = None) -> None:
    """Run a job to its record, show it, and end with its verdict's exit code."""
    from runner.drive.execute import execute
    from runner.plan.step_time import few_steps
    from runner.record.find import to_compare_with

    done = execute(job, script, output, where, terminal(), only, meanwhile=load_reporter)
    folder = recorded(done, output)
    from reports.terminal.next_steps import next_steps
    from reports.terminal.summary import terminal_summary

    console = terminal()
    console.print(terminal_summary(done.data, folder))
    if done.data.verdict.status != "passed" and (said := few_steps(job, done.data.results)):
        print_line(console, said)
    for line in next_steps(done.data, folder, console.width, to_compare_with(folder, done.data)):
        print_line(console, line)
    raise typer.Exit(EXIT_CODES[done.data.verdict.status])


def drive_family(family: Family, output: Path, where: Where) -> NoReturn:
    """Run all variants of a job to their records, show the one table, and end with the worst verdict's exit code."""
    from reports.terminal.variants import terminal_variants
    from runner.drive.execute import KeptPlace, execute
    from runner.script.bundle import script_of
    from runner.search.campaign import run_family
    from runner.search.repack import kept_source, packing

    console = terminal()
    place = KeptPlace(where, console, [variant.job for variant in family.variants])

    def drive(job: JobSpec) -> JudgedRun:
        done = execute(job, script_of(job), output, where, console, place=place)
        recorded(done, output)
        return done

    def repack(base: JudgedRun, variant: Variant) -> JudgedRun:
        job = variant.job.model_copy(update={"allow_over_cap": True})  # its weights are there: its size is found out
        script = script_of(job)
        lay = packing(kept_source(base.folder), job, script)
        done = execute(job, script, output, where, console, lay=lay, place=place)
        recorded(done, output)
        return done

    def say(line: str) -> None:
        print_line(console, line)

    found = run_family(family, drive, repack, say)
    folders = {name: recorded(one, output) for name, one in found.runs.items()}
    console.print(terminal_variants(found.table))
    for name, folder in folders.items():
        say(f"{name}: {folder}")
    raise typer.Exit(EXIT_CODES[max((one.data.verdict.status for one in found.runs.values()), key=WORST.index)])


def drive_duel(
    baseline: JobSpec,
    candidate: JobSpec,
    profile: str | None,
    wanted: Sequence[int] | int,
    policy: str | None,
    output: Path,
    where: Where,
) -> NoReturn:
    """Run a duel to two records, show both and the outcome, and end with the outcome's exit code."""
    from reports.terminal.duel import terminal_duel
    from reports.terminal.summary import terminal_summary
    from runner.duel.execute import execute_duel, policy_of
    from runner.duel.pairs import require_pairs
    from runner.search.sweeps.folder import require_no_trial

    require_no_trial(output)
    require_pairs(wanted if isinstance(wanted, int) else len(wanted))
    chosen = policy_of(policy, candidate)
    console = terminal()
    done = execute_duel(duel_jobs(baseline, candidate, profile), wanted, chosen, output, where, console)
    for run in done.values():
        if run.data.results:  # a side whose turn never came has no record
            console.print(terminal_summary(run.data, recorded(run, output)))
    outcome = done["candidate"].data.duel
    assert outcome is not None  # execute_duel has put it there
    console.print(terminal_duel(outcome))
    raise typer.Exit({"holds": 0, "not shown": 1, "undecided": 3}[outcome.outcome])


def load_reporter() -> None:
    """Have what writes and shows a record loaded: it takes more than a second, and a driver that waits has it."""
    import reports.record.write
    import reports.terminal.next_steps
    import reports.terminal.summary  # noqa: F401
    from reports.record.loss_svg import load_matplotlib

    load_matplotlib()


def recorded(done: JudgedRun, output: Path) -> Path:
    """Write a judged run's record; its folder."""
    from reports.record.write import RecordFiles, write_record
    from runner.drive.opened_run import sole_driver
    from runner.folder.recorded import note_record

    files = RecordFiles(
        script=done.script.source,
        flat_script=done.script.flat or None,
        files=done.script.files,
        logs=done.logs,
        ledger=done.folder.ledger,
        tokenizer=done.tokenizer,
    )
    with sole_driver(done.folder):
        folder = write_record(done.data, files, output)
        note_record(done.folder, done.data.verdict.status, folder)
    return folder
