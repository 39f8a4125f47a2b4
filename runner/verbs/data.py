"""`golf data`: corpora, tokenizers and token shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.verbs.loading import load, terminal
from runner.verbs.options import JobPath

app = typer.Typer(help="Corpora, tokenizers and token shards.", no_args_is_help=True)


@app.command("prepare")
def prepare(path: JobPath) -> None:
    """Make or check the data that JOB names, and say where it is."""
    from runner.plan.plan import open_job_data

    typer.echo(open_job_data(load(path), typer.echo).folder)


@app.command("info")
def info(
    path: JobPath,
    recount: Annotated[
        bool, typer.Option("--recount", help="Count the bytes again by decoding the shards (slow on large data).")
    ] = False,
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Look for documents of the validation text in the training shards.")
    ] = False,
) -> None:
    """What JOB's data are: tokens, documents, bytes, whose text.

    Also tokens per byte and the nats-per-bpb constant.
    """
    from runner.data.dataset import data_info
    from runner.data.overlap import with_overlap
    from runner.plan.data_tables import passport
    from runner.plan.plan import info_table, open_job_data

    data = open_job_data(load(path), typer.echo)
    info = data_info(data, recount)
    if overlap:
        data = with_overlap(data, progress=typer.echo)
    console = terminal()
    console.print(info_table(info))
    for line in passport(data.facts):
        console.print(line, markup=False, highlight=False)


@app.command("fetch")
def fetch_verb(
    variant: Annotated[str, typer.Option("--variant", help="Tokenizer variant of the shards, e.g. sp1024.")],
    shards: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--shards", min=1, help="Training shards to bring; all when left out."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Where to put them.")] = Path("data"),
) -> None:
    """Bring the challenge's shards and tokenizer. Goes on where an earlier fetch stopped."""
    from runner.data.fetch import fetch
    from runner.plan.data_tables import passport

    fetched = fetch(variant, shards, output, progress=typer.echo)
    typer.echo(f"{fetched}")
    typer.echo(passport(fetched.dataset.facts)[0])
