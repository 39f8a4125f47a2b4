"""Verbs of a cluster that keeps drivers: `submit`, `dashboard`, and asking its head node."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import typer

from runner.errors import UserError
from runner.verbs.loading import duel_jobs, load, opened, parsed_seeds
from runner.verbs.options import JobPath, OneVariant, Output, Profile, Seeds, There

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.job.spec import JobSpec


def submit(
    path: JobPath,
    address: There,
    seeds: Seeds = None,
    profile: Profile = None,
    output: Output = Path(),
    variant: OneVariant = None,
) -> None:
    """Start a driver for JOB on the cluster. It goes on without this machine. Its data must be on the nodes.

    Of a job that is `against:` another, one that runs both pair by pair.
    """
    from runner.script.bundle import script_of

    file = opened(path, seeds, profile)
    if file.whole.against is not None:
        wanted = file.whole.seeds if seeds is None else parsed_seeds(seeds)
        _submit_duel(load(file.whole.against), file.whole, profile, wanted, address, output)
        return
    family = file.family
    if family is not None and (variant is None or family.chosen(variant).repack):
        trained = ", ".join(one.name for one in family.variants if not one.repack)
        raise UserError(f"{path}: a driver on the cluster runs one training: give --variant, one of {trained}")
    job = file.one(variant)
    script = script_of(job)
    remote = remote_of(address)
    client, place = remote.connect_jobs(address), there(output)
    tell_submitted(client, remote.submit(client, job, script, place), job.name, address, output)


def _submit_duel(
    baseline: JobSpec, candidate: JobSpec, profile: str | None, seeds: Sequence[int], address: str, output: Path
) -> None:
    """Start a driver that runs two jobs pair by pair, as `golf run` of a job with `against:` does here."""
    from runner.duel.execute import policy_of, require_fair
    from runner.duel.pairs import require_pairs
    from runner.script.bundle import script_of

    policy, jobs = policy_of(None, candidate), duel_jobs(baseline, candidate, profile)
    require_pairs(len(seeds))
    require_fair(jobs, policy)
    laid = {side: (job, script_of(job)) for side, job in jobs.items()}
    remote = remote_of(address)
    client, place = remote.connect_jobs(address), there(output)
    name = jobs["candidate"].name
    tell_submitted(client, remote.submit_duel(client, laid, seeds, policy, place), name, address, output)


def dashboard(address: There) -> None:
    """The cluster's dashboard, and the drivers submitted there."""
    remote = remote_of(address)
    found = remote.settings(address)
    if found["tunnel"]:
        typer.echo(f"it listens on the head node's loopback alone: {found['tunnel']}")
    typer.echo("it asks for the cluster's token: ~/.ray/auth_token of its nodes", err=True)
    client = remote.connect_jobs(address)
    typer.echo(found["url"])
    for name, state in remote.drivers(client):
        typer.echo(f"{state:<10} {name}")


def remote_of(address: str) -> ModuleType:
    """The module that speaks to a cluster's dashboard, with Ray told who we are."""
    from runner.backends.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.backends import remote

    return remote


def there(output: Path) -> str:
    """Where runs are kept on the head node."""
    from runner.backends.remote import HOME

    if output == Path():
        return HOME
    if not output.is_absolute():
        raise UserError(f"--output {output}: with a cluster's dashboard, give a whole path on its head node")
    return str(output)


def tell_submitted(client: object, name: str, job: str, address: str, output: Path) -> None:
    """Tell that a driver is at work, or what it said if it has ended at once, with its exit code."""
    remote = remote_of(address)
    typer.echo(f"{name} is submitted; waiting until it is at work ...", err=True)
    code = remote.settled(client, name)
    if code is not None:
        typer.echo(remote.said(client, name), nl=False)
        raise typer.Exit(code)
    place = "" if output == Path() else f" --output {output}"
    typer.echo(f"{name} runs on the cluster and needs this machine no more")
    typer.echo(f"  golf status --address {address}{place}    golf logs -f {job} --address {address}{place}")
    typer.echo(f"  golf logs {name} --address {address}    shows what it prints itself")


def ask(address: str, words: list[str], output: Path) -> NoReturn:
    """Run a verb on the cluster's head node and end with its exit code."""
    remote = remote_of(address)
    raise typer.Exit(remote.ask(remote.connect_jobs(address), words, there(output)))
