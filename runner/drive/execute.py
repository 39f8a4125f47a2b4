"""From a job to finished and judged seeds: data, nodes and a backend are found, then its seeds run.

In this process, on a Ray of this machine, or on a cluster: all that differs between the three is chosen here.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from rich.console import Console

from runner.backends.backend import Backend, LocalBackend
from runner.backends.nodes import Node, this_node
from runner.data.dataset import DataSet
from runner.drive.assess import JudgedRun, look_into
from runner.drive.collect import Collector
from runner.drive.driver import Observe
from runner.drive.machine_lock import machine_for
from runner.drive.run import Lay, run_plan
from runner.drive.which_run import all_finished, require_run, run_name
from runner.errors import UserError
from runner.files import require_writable
from runner.fleet.warnings import known_before
from runner.folder.paths import RunFolder
from runner.interrupt import beside_others
from runner.job.open_data import DataRequest
from runner.job.spec import JobSpec
from runner.node.node_check import CheckOrder
from runner.plan.plan import Plan, check_order, make_plan, preflight
from runner.plan.run_time import allowance_of
from runner.plan.step_time import Speed, cut_off, measured_speed, slow_step, step_time
from runner.printable import print_line
from runner.results.phases import Artifact
from runner.script.bundle import Script
from runner.sinks.sink import orders
from runner.sinks.sinks import Sinks

if TYPE_CHECKING:
    from runner.backends.cluster import QueueClient


@dataclass(frozen=True)
class Where:
    """Where a job runs; UserError for two places at once."""

    local: bool = False
    """In this process, without Ray."""
    address: str | None = None
    """A Ray cluster; None: this machine."""

    def __post_init__(self) -> None:
        if self.local and self.address:
            raise UserError("--local runs without Ray, --address names a Ray cluster: choose one")


MakeBackend = Callable[[Plan, CheckOrder], Callable[[DataRequest], Backend]]
Turns = Callable[["QueueClient"], "QueueClient"]
"""What a job asks for its nodes, made of what the place asks: of jobs that share a driver each has its own."""
NodesNow = Callable[[], "Sequence[Node]"]


@dataclass(frozen=True)
class Place:
    """Nodes that are there, and what runs attempts on them; opened once for as many jobs as a driver has."""

    nodes: Callable[[], list[Node]]
    """Those that live now."""
    backend: Callable[[Turns | None, NodesNow | None], MakeBackend]
    """What runs a job's attempts: by turns of its own, and on some of the nodes alone, where that is asked for."""


class KeptPlace:
    """The place of several jobs that run one after the other: opened for the first that needs it, then kept.

    A driver can join one Ray only, and jobs that have ended need none.
    """

    def __init__(self, where: Where, console: Console, jobs: Sequence[JobSpec]) -> None:
        self.where, self.console = where, console
        cores = this_node().cpus
        self.cpus = max(filter(None, (cpus_of_ours(job, cores) for job in jobs)), default=None)
        self.place: Place | None = None

    def open(self) -> Place:
        """The place. UserError where there is none."""
        if self.place is None:
            self.place = open_place(self.where, self.console, self.cpus)
        return self.place


def execute(
    job: JobSpec,
    script: Script,
    output: Path,
    where: Where,
    console: Console,
    only: str | None = None,
    lay: Lay | None = None,
    place: Place | KeptPlace | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> JudgedRun:
    """Run a job until its seeds are judged. only: the run folder that this must lead to, where a run is to go on.
    lay: brings in trainings that ended elsewhere (runner.drive.run). place: `where`, where it is open already, or is
    opened for several jobs. meanwhile: called in a thread of its own once a seed runs, unless seeds have their node
    alone.

    UserError, before anything runs, for data, a size or nodes that will not do.
    """
    data = preflight(job, script.code_bytes, console.print)
    require_writable(output)
    if where.address is None and not isinstance(place, Place) and _is_done(job, data, script, output):
        where, place = replace(where, local=True), None  # nothing is left to run, so no Ray is started to tell
    if isinstance(place, KeptPlace):
        place = place.open()
    place = place or open_place(where, console, cpus_of_ours(job, this_node().cpus))
    plan = make_plan(job, data, script.code_bytes, place.nodes())
    if only is not None:
        require_run(plan, script, only)
    allowance_of(plan)  # dollars without a price are refused before anything starts
    done = all_finished(plan, script, output)
    if where.address is None and lay is None and not done:
        warn_of_slow_steps(plan, console)
    if not done:
        warn_of_nodes(plan, output, place.nodes(), console)
    way: dict[str, str | bool] = {"address": where.address or "", "local": where.local}
    again = f"golf resume {run_name(plan, script)}"
    alone: AbstractContextManager[None] = nullcontext() if done else machine_of(where, plan, console)
    with alone, watched(where, again, job.stall_seconds, output), sinks_of(job, output, console, done) as sinks:
        make_backend = place.backend(None, None)(plan, check_order(plan, script))
        watchers = [gauges_of(where, plan), None if plan.need.alone else Meanwhile(plan, script, output, meanwhile)]
        return run_plan(plan, script, output, console, make_backend, way, shown_to(watchers), lay, sinks)


class Meanwhile:
    """What a run needs at its end and can be had before, done while its seeds are under way and the driver waits:
    called with a collector after every message of its attempt."""

    def __init__(self, plan: Plan, script: Script, output: Path, call: Callable[[], object] | None) -> None:
        self.folder = RunFolder(output / "runs" / run_name(plan, script))
        self.cap_bytes = int(plan.limits.cap_bytes)
        self.first = plan.job.seeds[0]
        self.call = call
        self.looking = False

    def __call__(self, collector: Collector) -> None:
        if self.call is not None:
            Thread(target=self.call, daemon=True).start()
            self.call = None
        trained = collector.trained
        if trained is None or collector.spec.seed != self.first or self.looking:
            return
        self.looking = True  # at what the record says of the first seed's artifact, which takes seconds to find
        told = trained.artifact
        Thread(target=self.look, args=(collector.folder.artifact(told.file), told), daemon=True).start()

    def look(self, path: Path, told: Artifact) -> None:
        """Note what the artifact holds; one that is gone again, with an attempt that was lost, is left to the end."""
        with suppress(OSError):
            look_into(self.folder, path, told.sha256, told.bytes, self.cap_bytes)


def shown_to(watchers: Sequence[Observe | None]) -> Observe | None:
    """All of them as one."""
    some = [one for one in watchers if one is not None]

    def show(collector: Collector) -> None:
        for one in some:
            one(collector)

    return show if some else None


def sinks_of(job: JobSpec, output: Path, console: Console, done: bool) -> Sinks:
    """Who else is told how the run goes; nobody where nothing is left to run. done: whether that is so."""
    return Sinks([] if done else list(orders(job.sinks, output)), lambda line: print_line(console, line))


def _is_done(job: JobSpec, data: DataSet, script: Script, output: Path) -> bool:
    """Whether this machine would have nothing to run of the job; False where it cannot take it."""
    try:
        return all_finished(make_plan(job, data, script.code_bytes, [this_node()]), script, output)
    except UserError:
        return False


def warn_of_nodes(plan: Plan, output: Path, nodes: Sequence[Node], console: Console) -> None:
    """Say which of the nodes that may take a seed earlier runs found slow, or their scores off; none is refused."""
    hosts = dict.fromkeys(node.host or platform.node() for node in nodes if plan.need.fits(node))
    for line in known_before(output, plan.hardware.name, hosts):
        print_line(console, line)


def warn_of_slow_steps(plan: Plan, console: Console, measure: Callable[[], Speed | None] = measured_speed) -> None:
    """Say so, once and before anything starts, where a step takes minutes on this machine's CPU."""
    if plan.hardware.on_gpu:
        return

    def look() -> Speed | None:
        with console.status("looking how fast this machine trains ..."):
            return measure()

    step = step_time(plan.job, plan.hardware, plan.nproc, here=True, measure=look)
    if step is None:
        return
    for said in filter(None, [slow_step(plan.job, step), cut_off(plan.job, step)]):
        print_line(console, f"warning: {said}")


def open_place(where: Where, console: Console, cpus: int | None = None) -> Place:
    """This process, a Ray of this machine that is started, or a cluster that is joined. cpus: see `cpus_of_ours`.

    UserError where there is no such cluster.
    """
    return _here() if where.local else _on_ray(where.address, console, cpus)


def machine_of(where: Where, plan: Plan, console: Console) -> AbstractContextManager[None]:
    """This machine alone while the plan's track asks for it; of a cluster's nodes its queue sees to that."""
    return machine_for(plan.need.alone, console.print) if where.address is None else nullcontext()


def watched(where: Where, again: str, stall: float, output: Path) -> AbstractContextManager[None]:
    """A watch on what the driver cannot do without: a cluster's head, or the processes of a Ray of our own.

    again: the command that goes on with it, for messages. stall: seconds of silence that its job allows.
    output: where runs lie, for the board that a cluster's head shows.
    """
    if where.local:
        return nullcontext()
    return _own_watch(again, stall) if where.address is None else _cluster_watch(again, stall, output)


def _here() -> Place:
    return Place(lambda: [this_node()], lambda turns, nodes: lambda plan, check: partial(LocalBackend, check=check))


def cpus_of_ours(job: JobSpec, cores: int) -> int | None:
    """CPUs that a Ray started here is to offer: as many as the job's seeds want side by side, where this machine has
    fewer `cores`; else None, those it has.

    Seeds that are asked to run at once share what there is, each the same part of it; in two waves the last one would
    have a core to itself.
    """
    each = job.threads * max(1, job.nproc)
    wanted = min(job.concurrent, len(job.seeds)) * each
    return wanted if each <= cores < wanted else None


def _on_ray(address: str | None, console: Console, cpus: int | None) -> Place:
    """Ray is imported here, after its environment is prepared, and only where it is used."""
    from runner.backends.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.backends.cluster import LocalQueue, SharedQueue, cluster_nodes, connect
    from runner.backends.ray_backend import RayBackend

    with console.status("starting Ray ..." if address is None else f"connecting to {address} ..."), beside_others():
        connect(address, cpus)
    shared = SharedQueue() if address else LocalQueue()

    def backend(turns: Turns | None, nodes: NodesNow | None) -> MakeBackend:
        queue_client = shared if turns is None else turns(shared)

        def make_backend(plan: Plan, check: CheckOrder) -> Callable[[DataRequest], Backend]:
            return partial(
                RayBackend,
                need=plan.need,
                side_by_side=plan.concurrent,
                queue_client=queue_client,
                seeds=len(plan.job.seeds),
                check=check,
                nodes=nodes or cluster_nodes,
            )

        return make_backend

    return Place(cluster_nodes, backend)


def gauges_of(where: Where, plan: Plan) -> Observe | None:
    """On a cluster that is not ours: gauges for its dashboard."""
    if where.address is None:
        return None
    from runner.drive.watch.gauges import Gauges

    return Gauges(plan)


@contextmanager
def _cluster_watch(again: str, stall: float, output: Path) -> Iterator[None]:
    """A watch on the cluster's head, and a board for who asks from afar."""
    from runner.backends.cluster import head_address, session_logs
    from runner.backends.head_watch import head_watched, patience
    from runner.drive.watch.board import board_kept

    logs = session_logs()
    board = nullcontext() if logs is None else board_kept(output, logs)
    with head_watched(head_address(), again, lost=patience(stall)), board:
        yield


def _own_watch(again: str, stall: float) -> AbstractContextManager[None]:
    from runner.backends.local_watch import local_watched, own_parts, patience

    return local_watched(own_parts(), again, halted=patience(stall))
