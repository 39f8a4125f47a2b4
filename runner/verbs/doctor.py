"""`golf doctor`: could a job run here?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from runner.plain_json import json_text
from runner.printable import print_line
from runner.verbs.loading import load, terminal
from runner.verbs.options import Address, AsJson, Output, Profile, own_or_shipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from runner.doctor.findings import Finding

MARKS = {"good": ("✓", "green"), "bad": ("✗", "red"), "unknown": ("?", "yellow")}


def _job_file(path: Path | None) -> Path | None:
    return None if path is None else own_or_shipped(path, "job")


def doctor(
    path: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="JOB", help="A job; the quickstart on a CPU when left out.", callback=_job_file),
    ] = None,
    profile: Profile = None,
    address: Address = None,
    output: Output = Path(),
    as_json: AsJson = False,
) -> None:
    """Say whether JOB could run here, and what is missing. Takes ten seconds at most, and changes nothing.

    Exit code 0 where it could run, 1 where it could not, 3 where that is not known.
    """
    from runner.doctor.doctor import examine, for_no_job, looks, patience_left
    from runner.doctor.findings import EXIT, facts, outcome
    from runner.own_jobs.by_name import shipped

    job = for_no_job(load(shipped()["quickstart"])) if path is None else load(path, None, profile)
    console = terminal(to_error=as_json)
    with console.status("looking ..."):
        found = examine(looks(job, output, address), patience_left())
    said = outcome(found)
    if as_json:
        typer.echo(json_text(facts(job.name, found)))
    else:
        console.print(findings_table(found))
        print_line(console, conclusion(job.name, found, "here" if address is None else "there"))
    raise typer.Exit(EXIT[said])


def findings_table(findings: Sequence[Finding]) -> Table:
    """A line for each, what to do below what was found; text from the machine is never read as markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for width in (1, 12, None):
        table.add_column(min_width=width, overflow="fold")
    for finding in findings:
        mark, style = MARKS[finding.state]
        told = Text(finding.found)
        if finding.advice:
            told.append(f"\n→ {finding.advice}", "bold")
        table.add_row(Text(mark, style), Text(finding.name), told)
    return table


def conclusion(job: str, findings: Sequence[Finding], where: str = "here") -> str:
    """What it comes to, in a line."""
    from runner.doctor.findings import outcome

    said = outcome(findings)
    if said == "could run":
        return f"\n{job} could run {where}."
    state = "bad" if said == "could not run" else "unknown"
    names = ", ".join(finding.name for finding in findings if finding.needed and finding.state == state)
    if said == "could not run":
        return f"\n{job} could not run {where}: {names}."
    return f"\nWhether {job} could run {where} is not known: {names}."
