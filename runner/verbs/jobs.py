"""Verbs of a job that is not run: `plan`, `bundle`, `model summary`, `model diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.verbs.loading import load, ours, terminal
from runner.verbs.options import Address, JobPath, Profile, Seeds

model_app = typer.Typer(help="What a job's model consists of.", no_args_is_help=True)


def plan(path: JobPath, seeds: Seeds = None, profile: Profile = None, address: Address = None) -> None:
    """Show what `golf run` would do (seeds, nodes, parameters, size, time) and start nothing."""
    from runner.bundle import script_of
    from runner.claim_plan import plan_rows
    from runner.nodes import inventory, room_here
    from runner.past_sizes import forecast_from_past
    from runner.plan import make_plan, plan_table, preflight

    console = terminal()
    job = load(path, seeds, profile)
    script = script_of(job)
    code_bytes = script.code_bytes
    data = preflight(job, code_bytes, console.print)
    past = forecast_from_past(Path(), job, code_bytes) if job.script is None else None
    if address is None:
        plan = make_plan(job, data, code_bytes, [room_here()])
        console.print(plan_table(plan, "this machine", past, plan_rows(plan, Path(), script.sha256)))
        return
    from runner.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.cluster import cluster_rooms, connect

    connect(address)
    nodes = cluster_rooms()
    plan = make_plan(job, data, code_bytes, nodes)
    where = f"{address}: {inventory(nodes)}"
    console.print(plan_table(plan, where, past, plan_rows(plan, Path(), script.sha256)))


def bundle(
    path: JobPath,
    profile: Profile = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")] = Path(
        "train_gpt.py"
    ),
    flat: Annotated[bool, typer.Option("--flat", help="Write the readable twin instead of the packed file.")] = False,
) -> None:
    """Turn JOB into the one file that runs, is counted against the cap, and is shipped."""
    from runner.bundle import make_script
    from runner.files import require_writable, sha256_bytes, write_atomic

    script = make_script(ours(load(path, None, profile)).config)
    content = script.flat.encode() if flat else script.source
    require_writable(output.parent)
    write_atomic(output, content)
    typer.echo(f"{output}: {len(content):,} bytes, sha256 {sha256_bytes(content)}")


@model_app.command("summary")
def model_summary(path: JobPath, profile: Profile = None) -> None:
    """Tensors, parameters, schemes, bytes, FLOPs and memory of JOB's model."""
    from runner.bundle import make_script
    from runner.model_summary import summary_tables

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
    from runner.bundle import make_script
    from runner.model_diff import Side, diff_tables

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
