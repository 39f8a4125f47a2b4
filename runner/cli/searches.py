"""What a sweep found: its page, and its best trials, run anew on fresh seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.cli.driving import EXIT_CODES, recorded
from runner.errors import UserError
from runner.verbs import sweeps
from runner.verbs.loading import load, parsed_seeds, terminal
from runner.verbs.options import Address, Local, Output, Seeds


def sweep_report(
    name: sweeps.SweepName = None,
    page: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--page", metavar="FILE", help="The HTML file to write (default: report.html of the sweep)."),
    ] = None,
    output: Output = Path(),
) -> None:
    """SWEEP as one HTML page. Trials, history, importance, parallel coordinates, slices."""
    from reports.page.many.sweep import sweep_page
    from runner.files import require_writable, write_atomic
    from runner.search.sweeps.plots import plots_of
    from runner.search.sweeps.table import summary_lines

    folder, facts = sweeps.known(name, output)
    place = page or folder.path / "report.html"
    require_writable(place.parent)
    write_atomic(place, sweep_page(facts, plots_of(folder.journal), list(summary_lines(facts))))
    typer.echo(f"{place}: {len(facts.trials):,} trials")


def sweep_best(
    name: sweeps.SweepName = None,
    promote: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--promote", metavar="N", min=1, help="Run the N best as jobs of their own, to records."),
    ] = None,
    seeds: Seeds = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """SWEEP's best trials. With --promote run anew on fresh --seeds. Exit code: the worst verdict's."""
    from reports.terminal.summary import terminal_summary
    from runner.drive.execute import Where, execute, open_place
    from runner.script.bundle import script_of
    from runner.search.sweeps.promote import chosen, note_record, write_jobs
    from runner.search.sweeps.table import curse_lines, ranked_table

    folder, facts = sweeps.known(name, output)
    if promote is None:
        terminal().print(ranked_table(facts))
        for line in curse_lines(facts):
            typer.echo(line)
        return
    if seeds is None:
        raise UserError(f"--promote {promote}: give fresh seeds with --seeds, e.g. --seeds 1337,42,314")
    fresh = parsed_seeds(seeds)
    trials = chosen(facts, promote, fresh)
    where = Where(local, address)
    place = open_place(where, terminal())
    codes = []
    for trial, path in zip(trials, write_jobs(folder, facts, trials, fresh), strict=True):
        typer.echo(f"trial {trial.number}: {path}")
        job = load(path)
        done = execute(job, script_of(job), output, where, terminal(), place=place)
        record = recorded(done, output)
        note_record(folder, trial.number, done.data, record)
        terminal().print(terminal_summary(done.data, record))
        codes.append(EXIT_CODES[done.data.verdict.status])
    for line in curse_lines(sweeps.known(folder.path.name, output)[1]):
        typer.echo(line)
    raise typer.Exit(max(codes, key=lambda code: (code == EXIT_CODES["rejected"], code)))
