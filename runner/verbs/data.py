"""`golf data`: corpora, tokenizers and token shards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.errors import UserError
from runner.printable import print_line
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
        print_line(console, line)


@app.command("fetch")
def fetch_verb(
    variant: Annotated[
        str, typer.Option("--variant", help="Tokenizer variant of the shards: sp1024, sp4096, sp8192, caseops.")
    ],
    shards: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--shards", min=1, help="Training shards to bring; all when left out."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Where to put them.")] = Path("data"),
    repository: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--repository", metavar="OWNER/NAME", help="Another repository of the hub, laid out the same."),
    ] = None,
) -> None:
    """Bring the challenge's shards and tokenizer. Goes on where an earlier fetch stopped."""
    from runner.data.fetch import Source, fetch
    from runner.plan.data_tables import passport

    if repository is not None and not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", repository):
        raise UserError(f"--repository {repository}: give OWNER/NAME, as the hub spells it")
    source = Source(repository) if repository else None
    fetched = fetch(variant, shards, output, source, progress=typer.echo)
    typer.echo(f"{fetched}")
    typer.echo(passport(fetched.dataset.facts)[0])


@app.command("retokenize")
def retokenize_verb(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of the shards to read.")],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", metavar="FILE", help="The tokenizer to write them with.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where to put the new shards.")],
    old: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--from", metavar="FILE", help="The tokenizer that made SRC; found where the challenge keeps it."
        ),
    ] = None,
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--workers", min=1, help="Processes side by side; one for each core when left out."),
    ] = None,
) -> None:
    """Write shards anew with another tokenizer.

    Each document's bytes are proved equal. Goes on where an earlier call stopped.
    """
    from runner.data.retokenize import retokenize, tokenizer_of, totals

    made = retokenize(source, old or tokenizer_of(source), tokenizer, output, workers, progress=typer.echo)
    all_ = totals(made)
    typer.echo(
        f"{output}: {len(made)} shards, {all_['documents']:,} documents, {all_['bytes']:,} bytes, the same before "
        f"and after; {all_['tokens_before']:,} -> {all_['tokens']:,} tokens\n"
        f"in a job:  data: {{path: {output}, tokenizer: {tokenizer}}}"
    )
