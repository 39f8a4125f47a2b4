"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

JobPath = Annotated[Path, typer.Argument(metavar="JOB", help="The job's YAML file.")]
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
    typer.Option("--profile", metavar="NAME", help="The same job at another size: small, a minute on a laptop."),
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
