"""Tables and pages of records: once, into a file, or live in a browser."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from runner.errors import UserError
from runner.verbs.loading import terminal
from runner.verbs.options import Port

if TYPE_CHECKING:
    from reports.across.table import Found


def report(
    records: Annotated[
        list[Path], typer.Argument(metavar="RECORD...", help="Record folders, or folders of them such as records/.")
    ],
    format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--format", help="md, html, csv or parquet; by the output's ending when left out, else md."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="FILE", help="Where to write it; the terminal when left out."),
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="The table of a job's variants, as they were run.")
    ] = False,
) -> None:
    """One RECORD: its README and tables again, from its results.json. Several, or with --format: tables across them.

    --format html is one page with pictures: of one record, or of many, anybody's among them.

    Tables of seeds, of jobs and across jobs, verdicts beside them: n, mean, std, 95 % t interval, both units.
    """
    if variants:
        from reports.sections.variants import variants_markdown
        from reports.terminal.variants import terminal_variants
        from runner.record.find import variant_tables

        if output is not None or format not in (None, "md"):
            raise UserError("--variants: goes to the terminal, or with --format md as markdown")
        for one_table in variant_tables(records):
            if format is None:
                terminal().print(terminal_variants(one_table))
            else:
                typer.echo(variants_markdown(one_table))
        return
    if len(records) == 1 and format is None and output is None and (records[0] / "results.json").is_file():
        from reports.record.rebuild import rebuild

        changed = [name for name, other in rebuild(records[0]).items() if other]
        typer.echo(f"{records[0]}: {', '.join(changed) + ' made anew' if changed else 'as it was'}")
        return
    from reports.across.pages import FORMATS, PAGE, chosen_format
    from reports.across.table import Found, across_frame
    from reports.markdown import one_line
    from runner.files import require_writable, write_atomic
    from runner.listing import counted
    from runner.record.find import find_record_folders, record_or_problem
    from runner.serving.gather import folders_of

    chosen = chosen_format(format, output)
    if output is not None:
        require_writable(output.parent)
    if chosen == PAGE:
        folders = folders_of(records)
        made, found = _page_of(folders, records)
    else:
        folders = find_record_folders(records)
        found = [Found(folder, record_or_problem(folder)) for folder in folders]
        made = FORMATS[chosen](across_frame(found))
    for one in found:
        if isinstance(one.data, str):
            print(f"golf: {one_line(one.data)}", file=sys.stderr)
    if output is None:
        typer.echo(made.decode(), nl=False)
    else:
        write_atomic(output, made)
        typer.echo(f"{output}: {counted(len(folders), 'folder')}")
    raise typer.Exit(2 if any(isinstance(one.data, str) for one in found) else 0)


def _page_of(folders: Sequence[Path], named: Sequence[Path]) -> tuple[bytes, list[Found]]:
    """The page on one folder or many, anybody's among them, and those of them that could not be read.

    named: what the user named, where sweeps may lie beside the records.
    """
    from reports.across.table import Found
    from reports.page.many.page import many_page, sound
    from reports.page.report import record_page
    from runner.results.record import RecordData
    from runner.search.sweeps.beside import sweeps_beside
    from runner.serving.gather import gathered, matrices_of

    found = sound(gathered(folders))
    unread = [Found(folder, data) for folder, data in found if isinstance(data, str)]
    folder, first = found[0]
    if len(found) == 1 and isinstance(first, RecordData):
        return record_page(first, folder), unread
    return many_page("Records", found, matrices_of(found), sweeps_beside(named)).encode("utf-8", "replace"), unread


def serve(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What holds runs/ and records/ (default: here).")
    ] = Path(),
    port: Port = 8765,
) -> None:
    """Show DIR's runs and records in a browser of this machine, live. Nothing can be changed from there.

    Listens on 127.0.0.1 alone, behind a token that it prints as part of the address.
    """
    from reports.page.live import draw
    from runner.verbs.serving import serve_until_interrupted

    serve_until_interrupted(folder, port, draw, typer.echo)
