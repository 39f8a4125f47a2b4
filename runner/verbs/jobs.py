"""Verbs of a job that is not run: `plan`, `bundle`, `model summary`, `model diff`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.errors import UserError
from runner.verbs.loading import load, ours, terminal
from runner.verbs.options import Address, JobPath, Profile, Seeds

if TYPE_CHECKING:
    from runner.data.dataset import DataSet
    from runner.job.spec import JobSpec
    from runner.plan.plan import Plan

model_app = typer.Typer(help="What a job's model consists of.", no_args_is_help=True)


def plan(path: JobPath, seeds: Seeds = None, profile: Profile = None, address: Address = None) -> None:
    """Show what `golf run` would do (seeds, nodes, parameters, size, time) and start nothing."""
    from runner.plan.claim_plan import plan_rows
    from runner.plan.past_sizes import forecast_from_past
    from runner.plan.plan import plan_table, preflight
    from runner.script.bundle import script_of

    console = terminal()
    job = load(path, seeds, profile)
    script = script_of(job)
    data = preflight(job, script.code_bytes, console.print)
    past = forecast_from_past(Path(), job, script.code_bytes) if job.script is None else None
    place = _planned_here if address is None else partial(_planned_there, address)
    planned, where = place(job, data, script.code_bytes)
    console.print(plan_table(planned, where, past, plan_rows(planned, Path(), script.sha256)))


def _planned_here(job: JobSpec, data: DataSet, code_bytes: int) -> tuple[Plan, str]:
    """On this machine; else on a node of the job's profile, for whoever is about to rent one."""
    from runner.backends.nodes import node_of, this_node
    from runner.job.hardware import PROFILES
    from runner.plan.plan import make_plan

    here = this_node()
    try:
        return make_plan(job, data, code_bytes, [here]), "this machine"
    except UserError as error:
        wanted = PROFILES.get(job.hardware)
        if wanted is None or not wanted.on_gpu:
            raise
        try:
            there = make_plan(job, data, code_bytes, [node_of(wanted)])
        except UserError:
            raise error from None
    return there, f"one node that is not here: golf run would refuse this machine of {here}"


def _planned_there(address: str, job: JobSpec, data: DataSet, code_bytes: int) -> tuple[Plan, str]:
    """On a cluster, by what its nodes offer."""
    from runner.backends.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.backends.cluster import cluster_nodes, connect
    from runner.backends.nodes import inventory
    from runner.plan.plan import make_plan

    connect(address)
    nodes = cluster_nodes()
    return make_plan(job, data, code_bytes, nodes), f"{address}: {inventory(nodes)}"


def bundle(
    path: JobPath,
    profile: Profile = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")] = Path(
        "train_gpt.py"
    ),
    flat: Annotated[bool, typer.Option("--flat", help="Write the readable twin instead of the packed file.")] = False,
) -> None:
    """Turn JOB into the one file that runs, is counted against the cap, and is shipped."""
    from runner.files import require_writable, sha256_bytes, write_atomic
    from runner.script.bundle import make_script

    script = make_script(ours(load(path, None, profile)).config)
    content = script.flat.encode() if flat else script.source
    require_writable(output.parent)
    write_atomic(output, content)
    typer.echo(f"{output}: {len(content):,} bytes, sha256 {sha256_bytes(content)}")


@model_app.command("summary")
def model_summary(path: JobPath, profile: Profile = None) -> None:
    """Tensors, parameters, schemes, bytes, FLOPs and memory of JOB's model."""
    from runner.plan.model_summary import summary_tables
    from runner.script.bundle import make_script

    job = ours(load(path, None, profile))
    console = terminal()
    for table in summary_tables(job, len(make_script(job.config).source)):
        console.print(table)
        console.print()


@model_app.command("diff")
def model_diff(
    path: JobPath,
    other: Annotated[Path, typer.Argument(metavar="JOB", help="The job to compare it with.")],
    profile: Profile = None,
) -> None:
    """What changes from one JOB to another: configuration, tensors, parameters and bytes."""
    from runner.plan.model_diff import Side, diff_tables
    from runner.script.bundle import make_script

    paths = path, other
    jobs = [ours(load(place, None, profile)) for place in paths]
    titles = [job.name for job in jobs] if jobs[0].name != jobs[1].name else [str(place) for place in paths]
    one, two = (
        Side(title, job, len(make_script(job.config).source)) for title, job in zip(titles, jobs, strict=True)
    )
    tables = diff_tables(one, two)
    if not tables:
        typer.echo(f"{path} and {other} run the same")
    console = terminal()
    for table in tables:
        console.print(table)
        console.print()
