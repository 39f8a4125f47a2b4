"""Verbs that look at runs, or end one: `status`, `logs`, `stop`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.errors import UserError
from runner.plain_json import json_text
from runner.verbs.clusters import ask, remote_of
from runner.verbs.loading import terminal
from runner.verbs.options import AsJson, MaybeThere, OptionalRun, Output, RunName


def status(
    run_name: OptionalRun = None, address: MaybeThere = None, output: Output = Path(), as_json: AsJson = False
) -> None:
    """Where every run, or one of them, stands."""
    if address is not None:
        if (told := _on_the_board(address, run_name, output, as_json)) is not None:
            typer.echo(told, nl=False)
            return
        ask(address, ["status", *([run_name] if run_name else []), *(["--json"] if as_json else [])], output)
    from runner.drive.watch.status import advice, status_facts, status_table
    from runner.folder.runs import all_runs, find_run

    runs = all_runs(output) if run_name is None else [find_run(output, run_name)]
    if as_json:
        typer.echo(json_text(status_facts(runs, output)))
    elif not runs:
        typer.echo(f"no run under {output / 'runs'}")
    else:
        terminal().print(status_table(runs))
        for line in advice(runs, output):
            typer.echo(line)


def _on_the_board(address: str, run_name: str | None, output: Path, as_json: bool) -> str | None:
    """What a driver on the cluster has left for whoever asks; None where the verb must be sent there."""
    from runner.backends.dashboard_http import Unanswered
    from runner.backends.status_board import board_at, chosen

    try:
        shown, facts = chosen(board_at(address, None if output == Path() else output), run_name)
    except Unanswered:
        return None
    return f"{json_text(facts)}\n" if as_json else shown


def logs(
    run_name: Annotated[
        str, typer.Argument(metavar="RUN[/SEED]", help="A run, one of its seeds, or a submitted driver.")
    ],
    until_end: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run ends.")] = False,
    tail: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--tail", metavar="N", min=1, help="Only the last N lines of each seed, without torchrun's own."
        ),
    ] = None,
    address: MaybeThere = None,
    output: Output = Path(),
) -> None:
    """What the scripts of a run print, as it comes."""
    if address is not None:
        remote = remote_of(address)
        if remote.is_driver(run_name):
            typer.echo(remote.said(remote.connect_jobs(address), run_name), nl=False)
            return
        options = [*(["-f"] if until_end else []), *(["--tail", str(tail)] if tail is not None else [])]
        ask(address, ["logs", *options, run_name], output)
    from runner.drive.watch.follow import chosen_seeds, follow
    from runner.drive.watch.status import left_behind
    from runner.folder.runs import find_run
    from runner.printable import printable_bytes

    name, slash, seed = run_name.partition("/")
    if slash and not seed.isdecimal():
        raise UserError(f"{run_name}: after the slash stands a seed, a whole number")

    def write(line: bytes) -> None:
        # A script's escapes could rewrite what the terminal shows; a file or a pipe gets every byte as it was.
        sys.stdout.buffer.write(printable_bytes(line) if sys.stdout.isatty() else line)
        sys.stdout.buffer.flush()

    run, chosen = find_run(output, name), int(seed) if slash else None
    follow(run, chosen, write, until_end=until_end, tail=tail)
    for line in left_behind(run, chosen_seeds(run, chosen)):
        typer.echo(f"golf: {line}", err=True)


def stop(run_name: RunName, address: MaybeThere = None, output: Output = Path()) -> None:
    """Stop a run, which `golf resume` goes on with. Its attempts are killed and noted as interrupted."""
    if address is not None:
        ask(address, ["stop", run_name], output)
    from runner.drive.watch.stop import stop_run
    from runner.folder.runs import find_run

    run = find_run(output, run_name)
    stopped = stop_run(run)
    said = "stopped; golf resume goes on with it" if stopped else "nobody was at work on it"
    typer.echo(f"{run.path.name}: {said}")
