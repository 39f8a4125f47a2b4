"""`golf ledger`: what was ever launched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.verbs.options import Output

app = typer.Typer(help="What was ever launched.", no_args_is_help=True)


@app.command("verify")
def verify(
    name: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run, a record folder, or a ledger.jsonl.")],
    output: Output = Path(),
) -> None:
    """Check a ledger's chain and all that it vouches for. Exit code 1 where something is wrong."""
    from runner.folder.ledger_check import audit_ledger, audit_run
    from runner.folder.paths import RunFolder
    from runner.folder.runs import find_run
    from runner.record.ledger_check import audit_record

    path = Path(name)
    if path.is_dir() and (path / "seeds").is_dir():
        audit = audit_run(RunFolder(path))
    elif (path / "results.json").is_file():
        audit = audit_record(path)
    elif path.is_dir() or path.is_file():
        audit = audit_ledger(path / "ledger.jsonl" if path.is_dir() else path)
    else:
        audit = audit_run(find_run(output, name))
    for line in [*audit.lines, *(f"WRONG {problem}" for problem in audit.problems)]:
        typer.echo(line)
    raise typer.Exit(1 if audit.problems else 0)
