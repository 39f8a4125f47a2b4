"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.errors import UserError
from runner.own_jobs.by_name import is_bare, shipped


def _job_file(path: Path) -> Path:
    return own_or_shipped(path, "job")


def _sweep_file(path: Path) -> Path:
    return own_or_shipped(path, "sweep")


def own_or_shipped(path: Path, kind: str) -> Path:
    """The file that JOB or SWEEP means: that path, or of a bare name that is no file here, golf's own of that name.

    Standard error tells which, wherever it could be either. UserError for a name that is neither.
    """
    if path.is_file() or not is_bare(path):
        if is_bare(path) and str(path) in shipped(kind):
            typer.echo(f"golf: {path}: the file here is taken, not golf's own {kind} of that name", err=True)
        return path
    from difflib import get_close_matches

    own = shipped(kind)
    if str(path) not in own:
        near = next(iter(get_close_matches(str(path), own, n=1)), "")
        hint = f"; did you mean {near}?" if near else f": {', '.join(own)}"
        raise UserError(f"{path}: is no file here, and no {kind} that golf brings{hint}")
    typer.echo(f"golf: {path} is golf's own {kind}, {own[str(path)]}", err=True)
    return own[str(path)]


JobPath = Annotated[
    Path,
    typer.Argument(metavar="JOB", help="The job's YAML file, or the name of one of golf's own.", callback=_job_file),
]
SweepPath = Annotated[
    Path,
    typer.Argument(
        metavar="SWEEP", help="The sweep's YAML file, or the name of one of golf's own.", callback=_sweep_file
    ),
]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run: its folder's name or its beginning, its job's, or latest.")
]
OptionalRun = Annotated[
    Optional[str],  # noqa: UP045
    typer.Argument(metavar="RUN", help="A run: its folder's name or its beginning, its job's, or latest; else all."),
]
There = Annotated[
    str, typer.Option("--address", metavar="HOST:PORT", help="The cluster: its dashboard or its head node.")
]
MaybeThere = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="The cluster that keeps the runs, by dashboard or head node; else here.",
    ),
]
Seeds = Annotated[
    Optional[str],  # noqa: UP045  (typer reads the annotation at run time)
    typer.Option("--seeds", metavar="1,2,3", help="Run these seeds instead of the job's."),
]
Profile = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--profile", metavar="NAME", help="Another size: small, a minute on a laptop; steps, the same by steps."
    ),
]
OneVariant = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--variant", metavar="NAME", help="Of a job with variants this one alone."),
]
Address = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="The Ray cluster, by its head node or dashboard, or auto; else this machine.",
    ),
]
Local = Annotated[bool, typer.Option("--local", help="Run in this process, one seed after the other, without Ray.")]
RecordPath = Annotated[Path, typer.Argument(metavar="RECORD", help="A record's folder.")]
OtherData = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--data", metavar="DIR", help="Folder of its shards; an embedded corpus needs none."),
]
OtherTokenizer = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--tokenizer", metavar="FILE", help="What made those shards; the record's own when left out."),
]
Output = Annotated[
    Path, typer.Option("--output", metavar="DIR", help="Where runs/ and records/ are kept (default: here).")
]
Port = Annotated[int, typer.Option("--port", metavar="N", help="Where to listen; 0 takes any port that is free.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything that was found, as one JSON object.")]
Author = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--author", metavar="NAME", help="Who publishes it, where the record's job does not say."),
]
GithubId = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--github-id", metavar="ID", help="Their GitHub name, where the record's job does not say."),
]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="Although questions are open; title and text name them.")
]
FewSeeds = Annotated[bool, typer.Option("--few-seeds", help="With fewer seeds than a record needs: as a non-record.")]
