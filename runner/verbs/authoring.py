"""`golf new`: a job's first draft."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.errors import UserError


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job's name, and its file's: NAME.yaml.")],
    source: Annotated[
        str, typer.Option("--from", metavar="JOB", help="Whose fields it takes: one of golf's own, or a file.")
    ] = "quickstart",
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder to write it to.")] = Path(),
) -> None:
    """Write NAME.yaml, a job with every field explained. Nothing is ever overwritten."""
    from runner.authoring.new_job import draft, require_name
    from runner.authoring.schema import job_schema, schema_text
    from runner.files import require_writable, write_new

    require_name(name)
    path, schema = output / f"{name}.yaml", output / "job.schema.json"
    if path.exists() or path.is_symlink():
        raise UserError(f"{path}: is there already, and stays as it is; choose another name, or remove it")
    require_writable(output)
    made = draft(name, source, output)
    write_new(path, made.text)
    beside = "" if schema.exists() else ", and job.schema.json beside it, by which editors complete and check it"
    if beside:
        write_new(schema, schema_text(job_schema()))
    typer.echo(f"{path}: from {made.base}{beside}")
    typer.echo(f"  golf plan {path}    golf run {path} --profile small")


def schema(
    kind: Annotated[
        Literal["job", "sweep", "record", "submission"],
        typer.Argument(metavar="KIND", help="job, sweep, record (results.json), or submission (submission.json)."),
    ],
) -> None:
    """The JSON Schema of a KIND of file, for editors and programs. Goes to standard output."""
    if kind == "submission":
        from importlib.resources import files

        typer.echo((files("reports.record") / "submission.schema.json").read_text(encoding="utf-8"), nl=False)
        return
    from runner.authoring.schema import KINDS, schema_text

    typer.echo(schema_text(KINDS[kind]()), nl=False)
