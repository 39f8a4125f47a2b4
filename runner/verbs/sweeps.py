"""`golf sweep`: search a space of jobs; where a sweep stands. What needs the reporter is in runner/cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from typer.core import TyperCommand, TyperGroup

from runner.errors import UserError
from runner.verbs.loading import terminal
from runner.verbs.options import Address, AsJson, Local, Output, Profile, SweepPath

if TYPE_CHECKING:
    from runner.search.sweeps.facts import SweepFacts
    from runner.search.sweeps.folder import SweepFolder

SweepName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Argument(metavar="SWEEP", help="A sweep: its file, its name, or its folder's; the only one when left out."),
]


class RunByDefault(TyperGroup):
    """`golf sweep FILE` is `golf sweep run FILE`."""

    default = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=RunByDefault, help="Search for a better job: golf sweep SWEEP.yaml.", no_args_is_help=True)


@app.command("run")
def run(
    path: SweepPath,
    profile: Profile = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """Run SWEEP's trials until its budget is spent. The same command goes on with it; `run` may be left out."""
    from runner.drive.execute import Where
    from runner.record.comparison_sources import arm_of_folder
    from runner.search.sweeps.file import load_sweep
    from runner.search.sweeps.run import run_sweep
    from runner.search.sweeps.study import require_optuna
    from runner.search.sweeps.table import advice, best_line

    sweep = load_sweep(path, profile, arm_of_folder)
    require_optuna(f"{path}:{sweep.lines.get(('sampler',), 1)}: sampler")
    facts = run_sweep(sweep, output, Where(local, address), terminal())
    typer.echo(best_line(facts))
    for line in advice(facts, output):
        typer.echo(line)


@app.command("status")
def status(name: SweepName = None, output: Output = Path(), as_json: AsJson = False) -> None:
    """SWEEP's trials, the best so far, what is spent, when it ends."""
    from runner.search.sweeps.table import summary_lines, trials_table

    _, facts = known(name, output)
    if as_json:
        typer.echo(facts.model_dump_json())
        return
    terminal().print(trials_table(facts))
    for line in summary_lines(facts):
        typer.echo(line)


def known(name: str | None, output: Path) -> tuple[SweepFolder, SweepFacts]:
    """A sweep's folder and how it stands. UserError where there is none, or Optuna is not installed."""
    from runner.search.sweeps.folder import find_sweep
    from runner.search.sweeps.standing import facts_of
    from runner.search.sweeps.study import read_trials, require_optuna

    folder = find_sweep(output, name)
    require_optuna(str(folder.journal))
    return folder, facts_of(folder, read_trials(folder.journal))


SPLIT = "\x1f"
"""Stands for the first `--`, which the command-line library would swallow; no word that is typed may hold it."""


class TwoLists(TyperCommand):
    """`CHEAP... -- EXPENSIVE...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args = [*args[:at], SPLIT, *args[at + 1 :]]
        return super().parse_args(ctx, args)


def calibrate(
    sides: Annotated[
        list[str],
        typer.Argument(metavar="CHEAP... -- EXPENSIVE...", help="Records of the same variants at two budgets."),
    ],
    as_json: AsJson = False,
) -> None:
    """How far the ranking of CHEAP trials holds for EXPENSIVE ones.

    Kendall's tau, the ratio of gains against the first variant, and how many must be promoted to keep the best. Exit
    code 3 where there are too few variants to tell.
    """
    from runner.compare.ranking import ranking
    from runner.search.calibration import lines, pairs_of, side_of

    at = sides.index(SPLIT) if SPLIT in sides else 0
    cheap, expensive = side_of(sides[:at]), side_of(sides[at + 1 :])
    if len(cheap) < 2 or len(expensive) < 2:
        told = "give two records or more, or a folder of them, on each side of a --"
        raise UserError(f"{told}: golf calibrate CHEAP... -- EXPENSIVE...")
    found = ranking(pairs_of(cheap, expensive))
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        for line in lines(found):
            typer.echo(line)
    raise typer.Exit(0 if found.tau_interval is not None else 3)
