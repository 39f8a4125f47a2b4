"""`golf duel` from two jobs to their judged runs: data, one node and a backend are found, then turns are taken.

What is refused before anything runs stands here; the turns are drive.py's, the node that is kept kept_node.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from runner.backends.backend import Backend
from runner.backends.nodes import Need
from runner.compare.compare import POLICIES
from runner.drive.assess import JudgedRun
from runner.drive.execute import Place, Where, gauges_of, machine_of, open_place, sinks_of, warn_of_nodes, watched
from runner.duel.drive import Entrant, Make, run_duel
from runner.duel.kept_node import KeptNode
from runner.duel.pairs import SIDES
from runner.errors import UserError
from runner.files import require_writable
from runner.job.open_data import DataRequest
from runner.job.problems import choice_message
from runner.job.spec import JobSpec
from runner.plan.plan import check_order, make_plan, preflight
from runner.plan.run_time import allowance_of
from runner.results.duels import Side
from runner.results.frozen import PolicyName
from runner.script.bundle import script_of


def execute_duel(
    jobs: Mapping[Side, JobSpec],
    wanted: Sequence[int] | int,
    policy: PolicyName,
    output: Path,
    where: Where,
    console: Console,
) -> dict[Side, JudgedRun]:
    """Run both jobs' seeds alternately until they are judged, pair by pair. wanted: seeds, or how many.

    UserError, before anything runs, for jobs that cannot be held against each other, data or nodes that will not do.
    """
    require_fair(jobs, policy)
    scripts = {side: script_of(jobs[side]) for side in SIDES}
    data = {side: preflight(jobs[side], scripts[side].code_bytes, console.print) for side in SIDES}
    require_writable(output)
    place = open_place(where, console)
    nodes = place.nodes()
    entrants = {
        side: Entrant(make_plan(jobs[side], data[side], scripts[side].code_bytes, nodes), scripts[side])
        for side in SIDES
    }
    require_one_kind(entrants)
    for side in SIDES:
        allowance_of(entrants[side].plan)  # dollars without a price are refused before anything starts
    kept = KeptNode(greater(*(entrants[side].plan.need for side in SIDES)))
    for plan in {entrants[side].plan.hardware.name: entrants[side].plan for side in SIDES}.values():
        warn_of_nodes(plan, output, nodes, console)
    stall = max(job.stall_seconds for job in jobs.values())
    way: dict[str, str | bool] = {"address": where.address or "", "local": where.local}
    both = [entrants[side].plan for side in SIDES]
    alone: AbstractContextManager[None] = nullcontext()
    if where.address is None:
        alone = machine_of(where, max(both, key=lambda plan: plan.need.alone), console)
    with alone, watched(where, "the same golf duel", stall, output):
        try:
            with ExitStack() as told:
                sinks = {
                    side: told.enter_context(sinks_of(entrants[side].plan.job, output, console, done=False))
                    for side in SIDES
                }
                gauges = {side: gauges_of(where, entrants[side].plan) for side in SIDES}
                make = making(place, entrants, kept)
                return run_duel(entrants, wanted, policy, output, console, make, way, gauges, sinks)
        finally:
            kept.release()


def making(place: Place, entrants: Mapping[Side, Entrant], kept: KeptNode) -> Make:
    """Backends for turns, all of them on the node that is kept."""

    def make(side: Side, host: str) -> Callable[[DataRequest], Backend]:
        kept.host = host or kept.host
        plan = replace(entrants[side].plan, need=kept.need, concurrent=1)
        order = check_order(entrants[side].plan, entrants[side].script)
        return place.backend(kept.through, lambda: kept.allowed(place.nodes()))(plan, order)

    return make


def greater(one: Need, other: Need) -> Need:
    """What either takes, at least: the node is held for both."""
    return Need(one.hardware, max(one.cpus, other.cpus), max(one.gpus, other.gpus), alone=one.alone or other.alone)


def policy_of(asked: str | None, candidate: JobSpec) -> PolicyName:
    """The policy that is asked for, else that of the candidate's claim, else readme. UserError for an unknown one."""
    claim = candidate.claim
    named = asked or ("readme" if claim is None or POLICIES[claim.policy].against_number else claim.policy)
    if named not in POLICIES:
        raise UserError(f"--policy: {choice_message(named, POLICIES)}")
    return next(name for name in POLICIES if name == named)


def require_fair(jobs: Mapping[Side, JobSpec], policy: PolicyName) -> None:
    """UserError for jobs and policies that no duel has."""
    if POLICIES[policy].against_number:
        raise UserError(f"--policy {policy}: is of one job against a number; a duel takes readme or progression")
    for job in jobs.values():
        if job.claim is not None and job.claim.sequential is not None:
            raise UserError(
                f"{job.name}: claim.sequential: looks at seeds as they come in, and a duel's pairs are counted "
                "before the first; leave one of both out"
            )


def require_one_kind(entrants: Mapping[Side, Entrant]) -> None:
    """UserError for two jobs that are one, or that no one node can take."""
    one, other = (entrants[side] for side in SIDES)
    if one.run == other.run:
        raise UserError(f"{one.run}: both are the same job, script and data; a duel takes two that differ")
    if one.plan.hardware != other.plan.hardware:
        raise UserError(
            f"{one.plan.job.name} runs on {one.plan.hardware.name} and {other.plan.job.name} on "
            f"{other.plan.hardware.name}: a pair runs on one node; give both jobs the same hardware"
        )
