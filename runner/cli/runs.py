"""What trains: one job, two in turn, a run to go on with, kept weights to pack anew, a record to make again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from runner.cli.driving import drive_duel, drive_family, drive_job, recorded
from runner.errors import UserError
from runner.printable import print_line
from runner.verbs import clusters
from runner.verbs.loading import load, opened, parsed_seeds, terminal
from runner.verbs.options import (
    Address,
    JobPath,
    Local,
    OneVariant,
    OtherData,
    OtherTokenizer,
    Output,
    Profile,
    RecordPath,
    RunName,
    Seeds,
)

if TYPE_CHECKING:
    from runner.drive.assess import JudgedRun


def run(
    path: JobPath,
    seeds: Seeds = None,
    profile: Profile = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
    variant: OneVariant = None,
) -> None:
    """Train, score and judge JOB's seeds. A record of them is written. Of a job with variants, all are run; one that
    is `against:` another is run pair by pair, as by `golf duel`."""
    from runner.drive.execute import Where
    from runner.script.bundle import script_of
    from runner.search.sweeps.folder import require_no_trial

    require_no_trial(output)
    where = Where(local, address)
    file = opened(path, seeds, profile)
    if file.whole.against is not None and variant is None:
        wanted = file.whole.seeds if seeds is None else parsed_seeds(seeds)
        drive_duel(load(file.whole.against), file.whole, profile, wanted, None, output, where)
    family = file.family
    if family is not None and variant is None:
        drive_family(family, output, where)
    if family is not None and variant is not None and (chosen := family.chosen(variant)).repack:
        drive_family(family.alone(chosen), output, where)
    job = file.one(variant)
    drive_job(job, script_of(job), output, where)


def duel(
    baseline: Annotated[Path, typer.Argument(metavar="A", help="The job to be beaten.")],
    candidate: Annotated[Path, typer.Argument(metavar="B", help="The job that is claimed to beat it.")],
    pairs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--pairs", metavar="N", help="How many (default: 5). B's seeds first, then 1, 2, 3 ..."),
    ] = None,
    seeds: Seeds = None,
    policy: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--policy", help="readme or progression; that of B's claim when left out, else readme."),
    ] = None,
    profile: Profile = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """Run two jobs alternately on one node. Does B beat A, pair by pair?

    The order is ABBA, and a record of each is written. The same command goes on where it was killed. Exit code 0 B
    does, 1 not shown, 3 undecided.
    """
    from runner.drive.execute import Where

    if pairs is not None and seeds is not None:
        raise UserError("--pairs says how many seeds, --seeds says which: choose one")
    wanted: int | list[int] = parsed_seeds(seeds) if seeds is not None else 5 if pairs is None else pairs
    drive_duel(load(baseline), load(candidate), profile, wanted, policy, output, Where(local, address))


def resume(
    run_name: RunName,
    address: Address = None,
    output: Output = Path(),
    local: Local = False,
    there: Annotated[bool, typer.Option("--submit", help="By a driver on the cluster at --address.")] = False,
) -> None:
    """Go on with a run, by the script that it began with. Seeds that have ended are kept."""
    if there:
        if address is None:
            raise UserError("--submit: needs --address, the cluster's")
        if local:
            raise UserError("--local runs without Ray, --submit on a Ray cluster: choose one")
        remote = clusters.remote_of(address)
        client, place = remote.connect_jobs(address), clusters.there(output)
        clusters.tell_submitted(client, remote.resume_there(client, run_name, place), run_name, address, output)
        return

    from runner.drive.execute import Where
    from runner.folder.duels import open_turns
    from runner.folder.ledger import check_chain, seeds_of
    from runner.folder.runs import driver_of, find_run, noted_job
    from runner.job.load import job_from_mapping, with_seeds
    from runner.script.bundle import stored_script
    from runner.search.sweeps.folder import require_no_trial

    require_no_trial(output)
    run = find_run(output, run_name)
    job = job_from_mapping(noted_job(run), source=str(run.job))
    # Its driver may live and write, or may have died before it registered a seed.
    entries = check_chain(run.ledger, unfinished_ok=True) if run.ledger.exists() else []
    if turns := open_turns(entries):
        raise UserError(
            f"{run.path.name}: seed {turns[0][0]} is one of a pair with {turns[0][1]}, and its turn is not over; the "
            "same golf duel (or golf run of the job with against:) goes on with both"
        )
    registered = seeds_of(entries)
    job = with_seeds(job, registered) if registered else job
    driver = driver_of(run)
    here = Where(driver.local, driver.address or None) if driver else Where()
    where = Where(local, address) if local or address is not None else here
    drive_job(job, stored_script(run, job.files), output, where, only=run.path.name)


def repack(
    run_name: RunName,
    sets: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", metavar="export.FIELD=VALUE", help="How to pack; may be given again."),
    ] = None,
    grid: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--grid", metavar="export.FIELD=V,V", help="One export for each value; may be given again."),
    ] = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """Pack RUN's kept weights by another export. They are scored in a fresh process and judged again.

    Nothing is trained, and nothing of it is ever a record of a timed track: packing was off its clock.
    """
    from reports.terminal.repack import Packed, terminal_repack
    from runner.drive.execute import KeptPlace, Where, execute
    from runner.folder.runs import find_run
    from runner.script.bundle import script_of
    from runner.search.repack import exports, kept_source, packing, reference

    where, console = Where(local, address), terminal()
    source = kept_source(find_run(output, run_name))
    wanted, plain = exports(source, sets or [], grid or []), reference(source)
    every = [*([plain] if plain else []), *wanted]
    place = KeptPlace(where, console, [one.job for one in every])
    done: dict[str, JudgedRun] = {}
    for one in every:
        print_line(console, f"{one.name}:")
        script = script_of(one.job)
        lay = packing(source, one.job, script)
        done[one.name] = execute(one.job, script, output, where, console, lay=lay, place=place)
    folders = {name: recorded(run, output) for name, run in done.items()}
    fp16 = done[plain.name].data if plain else None
    console.print(
        terminal_repack(source.run.path.name, [Packed(one.name, done[one.name].data) for one in wanted], fp16)
    )
    for name, folder in folders.items():
        print_line(console, f"{name}: {folder}")
    raise typer.Exit(int(any(done[one.name].data.verdict.reasons for one in wanted)))


def reproduce(
    record: RecordPath,
    seeds: Annotated[
        Optional[list[int]],  # noqa: UP045
        typer.Option("--seed", metavar="N", help="Run this seed only; may be given again. All when left out."),
    ] = None,
    data: OtherData = None,
    tokenizer: OtherTokenizer = None,
    hardware: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--hardware", metavar="PROFILE", help="Another kind of node than the record's, e.g. auto."),
    ] = None,
    local: Local = False,
    address: Address = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="DIR", help="Where the new run is kept (default: reproduced/<record>)."),
    ] = None,
) -> None:
    """Run RECORD's seeds again by its own files, and compare.

    Exit code 1 where the new run is not like the record, 3 where that cannot be told.
    """
    from reports.terminal.verify import likeness
    from runner.drive.execute import Where, execute
    from runner.record.folder import open_record
    from runner.record.reproduce import compare, job_again, stored_script

    opened = open_record(record)
    script = stored_script(opened)
    job = job_again(opened, seeds, hardware, data, tokenizer)
    root = output or Path("reproduced") / record.resolve().name
    done = execute(job, script, root, Where(local, address), terminal())
    folder = recorded(done, root)
    checks = compare(opened.data, done.data)
    statuses = {check.status for check in checks}
    terminal().print(likeness(checks), f"The new record: {folder}", highlight=False)
    raise typer.Exit(1 if "fail" in statuses else 3 if "unknown" in statuses else 0)
