"""The verb that looks at all runs at once, live: `top`."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.errors import UserError
from runner.verbs.options import MaybeThere

NO_TEXTUAL = (
    "golf top draws its screen with textual, which is not installed: pip install 'golf[top]', "
    "or golf top --plain for a table in plain lines"
)


def top(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Where runs/ lies (default: here); of a cluster, a whole path there."),
    ] = Path(),
    address: MaybeThere = None,
    plain: Annotated[bool, typer.Option("--plain", help="One table in plain lines, as into a pipe.")] = False,
    watch: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--watch", metavar="SECONDS", min=1, help="The plain table every so often, until all have ended."
        ),
    ] = None,
) -> None:
    """All runs of DIR or of a cluster, live. Away from a terminal one plain table."""
    from runner.top.sources import ClusterSource, FolderSource, Source
    from runner.verbs.clusters import there

    source: Source
    if address is None:
        if not folder.is_dir():
            raise UserError(f"{folder}: is no folder")
        source = FolderSource(folder)
    else:
        source = ClusterSource(address, folder, lambda: there(folder))
    if plain or watch is not None or not (sys.stdout.isatty() and sys.stdin.isatty()):
        from runner.top.plain import lines_of, repeated

        def write(lines: str) -> None:
            sys.stdout.write(lines)
            sys.stdout.flush()

        if watch is None:
            write(lines_of(source.look(), source.name))
        else:
            repeated(source.look, write, source.name, lambda: time.sleep(watch))
        return
    if importlib.util.find_spec("textual") is None:
        raise UserError(NO_TEXTUAL)
    from runner.top.app import TopApp

    screen = TopApp(source)
    screen.run()
    if screen.return_code:
        raise typer.Exit(screen.return_code)
