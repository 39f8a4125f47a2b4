"""Verbs of a job that is not run: `plan`, `bundle`, `model summary`, `model diff`."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.errors import UserError
from runner.listing import counted
from runner.plain_json import json_text
from runner.printable import cut, print_line
from runner.verbs.loading import load, opened, ours, terminal
from runner.verbs.options import Address, AsJson, JobPath, OneVariant, Profile, Seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from runner.job.spec import JobSpec
    from runner.plan.plan import Outline
    from runner.plan.plan_table import Row

model_app = typer.Typer(help="What a job's model consists of.", no_args_is_help=True)


def plan(
    path: JobPath,
    seeds: Seeds = None,
    profile: Profile = None,
    address: Address = None,
    as_json: AsJson = False,
    variant: OneVariant = None,
) -> None:
    """What `golf run` would do: nodes, size, time, price. Starts nothing.

    Neither data nor hardware need be here. Of a job with variants: its base, and the size of each.
    """
    from runner.plan.plan_table import plan_table

    console = terminal(to_error=as_json)
    file = opened(path, seeds, profile)
    variants: dict[str, Any] = {}
    if file.family is not None and variant is None:
        from runner.search.campaign import outlook_lines, outlooks

        found = outlooks(file.family)
        variants = {"variants": [asdict(one) for one in found], "left_out": list(file.family.same)}
        for line in [] if as_json else [*outlook_lines(file.family, found), ""]:
            print_line(console, line)
    job = file.one(variant)
    facts, rows = plan_ahead(job, console, address, [*_opponent_rows(path, job), *_review_rows(path, job)])
    if as_json:
        typer.echo(json_text({**facts, **variants}))
    else:
        console.print(plan_table(rows))


def plan_ahead(
    job: JobSpec, console: Console, address: str | None = None, more: Sequence[Row] = ()
) -> tuple[dict[str, Any], list[Row]]:
    """What a run of the job would be, as plain data and as rows for people, `more` rows last.

    console: where progress is told. Joins the cluster at `address`, else plans for this machine. UserError for a size
    or nodes that will not do; absent data are no error.
    """
    from runner.job.absent_data import absent
    from runner.plan.claim_plan import claim_rows, past_of
    from runner.plan.past_sizes import forecast_from_past, saving_rows
    from runner.plan.plan import checked_data, data_request, require_size
    from runner.plan.plan_table import plan_facts, rows_of_plan
    from runner.plan.run_time import try_time
    from runner.plan.step_time import Speed, measured_speed, step_time
    from runner.script.bundle import script_of

    script = script_of(job)
    require_size(job, script.code_bytes)
    lacking = absent(data_request(job))
    facts = None if lacking else checked_data(job, console.print).facts
    place = _planned_here if address is None else partial(_planned_there, address)
    planned, where, here = place(job, script.code_bytes)
    sizes = forecast_from_past(Path(), job, script.code_bytes) if job.script is None else None
    past = past_of(Path(), planned.job, script.sha256, planned.hardware.name)

    def look() -> Speed | None:
        with console.status("looking how fast this machine trains ..."):
            return measured_speed()

    step = step_time(planned.job, planned.hardware, planned.nproc, here=here, measure=look)
    one = try_time(planned, step)
    source = script.source.decode("utf-8", "replace")
    around = dict(os.environ) if here else None
    saved = saving_rows(Path(), job)
    rows = rows_of_plan(planned, where, facts or lacking, step, one, sizes, past.seconds, source, around, saved)
    claim = claim_rows(planned, facts, one, job.claim, past) if job.claim is not None else []
    before = _node_rows(planned) if here else []
    shown = [*rows, *before, *claim, *more]
    return plan_facts(planned, where, script.sha256, step, one, past.seconds, shown), shown


def _opponent_rows(path: Path, job: JobSpec) -> list[Row]:
    """What `against:` leads to."""
    if job.against is None:
        return []
    other = os.path.relpath(job.against)
    return [
        (
            "against",
            f"{other}: {counted(len(job.seeds), 'pair')} on one node, alternately; all above is of {path} alone",
        ),
        ("", f"golf plan {other} shows what the other one takes"),
    ]


def _node_rows(planned: Outline) -> list[Row]:
    """What earlier runs under this folder found wrong with this machine."""
    import platform

    from runner.fleet.warnings import known_before

    return [("earlier runs", line) for line in known_before(Path(), planned.hardware.name, [platform.node()])]


def _review_rows(path: Path, job: JobSpec) -> list[Row]:
    """What `golf review` says of somebody else's script, in a line."""
    if job.script is None:
        return []
    from runner.review.script_review import review_script
    from runner.verbs.reviews import target_of_job

    questions = review_script(target_of_job(path, job))[0].questions()
    if not questions:
        return [("its code", "nothing found by the rules of golf review")]
    more = f" and {len(questions) - 1} more: golf review {path}" if len(questions) > 1 else f": golf review {path}"
    return [("its code", f"{cut(questions[0], 300)}{more}")]


def _planned_here(job: JobSpec, code_bytes: int) -> tuple[Outline, str, bool]:
    """On this machine; else on a node of the job's profile, for whoever is about to rent one.

    Also where that is, in words, and whether it is here.
    """
    from runner.backends.nodes import node_of, this_node
    from runner.job.hardware import PROFILES
    from runner.plan.plan import make_outline

    here = this_node()
    try:
        return make_outline(job, code_bytes, [here]), "this machine", True
    except UserError as error:
        wanted = PROFILES.get(job.hardware)
        if wanted is None or not wanted.on_gpu:
            raise
        try:
            there = make_outline(job, code_bytes, [node_of(wanted)])
        except UserError:
            raise error from None
    return there, f"one node that is not here: golf run would refuse this machine of {here}", False


def _planned_there(address: str, job: JobSpec, code_bytes: int) -> tuple[Outline, str, bool]:
    """On a cluster, by what its nodes offer."""
    from runner.backends.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.backends.cluster import cluster_nodes, connect
    from runner.backends.nodes import inventory
    from runner.plan.plan import make_outline

    connect(address)
    nodes = cluster_nodes()
    return make_outline(job, code_bytes, nodes), f"{address}: {inventory(nodes)}", False


def bundle(
    path: JobPath,
    profile: Profile = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")] = Path(
        "train_gpt.py"
    ),
    flat: Annotated[bool, typer.Option("--flat", help="Write the readable twin instead of the packed file.")] = False,
    variant: OneVariant = None,
) -> None:
    """Turn JOB into its one file. It runs, counts against the cap, and is shipped."""
    from runner.files import require_writable, sha256_bytes, write_atomic
    from runner.script.bundle import script_of

    script = script_of(ours(load(path, None, profile, variant)))
    content = script.flat.encode() if flat else script.source
    require_writable(output.parent)
    write_atomic(output, content)
    typer.echo(f"{output}: {len(content):,} bytes, sha256 {sha256_bytes(content)}")


@model_app.command("summary")
def model_summary(path: JobPath, profile: Profile = None, variant: OneVariant = None) -> None:
    """Tensors, parameters, bytes, FLOPs and memory of JOB's model."""
    from runner.plan.model_summary import summary_tables
    from runner.script.bundle import make_script

    job = ours(load(path, None, profile, variant))
    console = terminal()
    for table in summary_tables(job, len(make_script(job.config).source)):
        console.print(table)
        console.print()


@model_app.command("diff")
def model_diff(
    path: JobPath,
    other: JobPath,
    profile: Profile = None,
) -> None:
    """What changes from one JOB to another: settings, tensors, bytes."""
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
