"""Every verb by its name, in the order in which `golf --help` shows them."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli import audits, pages, records, runs, searches
from runner.verbs import artifacts, authoring, clusters, data, doctor, jobs, ledgers, looking, sweeps, watching

app = typer.Typer(
    name="golf",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"golf {version('golf')}")
        raise typer.Exit


@app.callback()
def golf(
    version: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Say which golf this is.")
    ] = False,
) -> None:
    """One job YAML in, a verified multi-seed Parameter Golf record out."""


export_app = typer.Typer(help="A record for somewhere else.", no_args_is_help=True)
export_app.command("pr")(records.export_pr)
sweeps.app.command("report")(searches.sweep_report)
sweeps.app.command("best")(searches.sweep_best)
for name, group in (
    ("data", data.app),
    ("model", jobs.model_app),
    ("artifact", artifacts.app),
    ("export", export_app),
    ("ledger", ledgers.app),
    ("sweep", sweeps.app),
):
    app.add_typer(group, name=name)

app.command("run")(runs.run)
app.command("duel")(runs.duel)
app.command("fleet")(records.fleet)
app.command("submit")(clusters.submit)
app.command("dashboard")(clusters.dashboard)
app.command("resume")(runs.resume)
app.command("repack")(runs.repack)
app.command("status")(watching.status)
app.command("top")(looking.top)
app.command("logs")(watching.logs)
app.command("stop")(watching.stop)
app.command("calibrate", cls=sweeps.TwoLists)(sweeps.calibrate)
app.command("doctor")(doctor.doctor)
app.command("new")(authoring.new)
app.command("plan")(jobs.plan)
app.command("bundle")(jobs.bundle)
app.command("eval")(artifacts.score)
app.command("verify")(records.verify)
app.command("reproduce")(runs.reproduce)
app.command("audit")(audits.audit)
app.command("review")(audits.review)
app.command("report")(pages.report)
app.command("compare")(records.compare)
app.command("schema")(authoring.schema)
app.command("serve")(pages.serve)
