"""From a job to finished and judged seeds: data, nodes and a backend are found, then its seeds run.

In this process, on a Ray of this machine, or on a cluster: all that differs between the three is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from runner.backends.backend import Backend, LocalBackend
from runner.backends.nodes import Node, this_node
from runner.data.dataset import DataSet
from runner.drive.assess import JudgedRun
from runner.drive.machine_lock import machine_for
from runner.drive.run import Observe, all_finished, require_run, run_name, run_plan
from runner.errors import UserError
from runner.files import require_writable
from runner.interrupt import beside_others
from runner.job.open_data import DataRequest
from runner.job.spec import JobSpec
from runner.node.node_check import CheckOrder
from runner.plan.plan import Plan, check_order, make_plan, preflight
from runner.plan.step_time import Speed, cut_off, measured_speed, slow_step, step_time
from runner.script.bundle import Script


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


def execute(
    job: JobSpec, script: Script, output: Path, where: Where, console: Console, only: str | None = None
) -> JudgedRun:
    """Run a job until its seeds are judged. only: the run folder that this must lead to, where a run is to go on.

    UserError, before anything runs, for data, a size or nodes that will not do.
    """
    data = preflight(job, script.code_bytes, console.print)
    require_writable(output)
    if where.address is None and _is_done(job, data, script, output):
        where = replace(where, local=True)  # nothing is left to run, so no Ray is started to tell
    nodes, make_backend = (
        _here() if where.local else _on_ray(where.address, console, cpus_of_ours(job, this_node().cpus))
    )
    plan = make_plan(job, data, script.code_bytes, nodes)
    if only is not None:
        require_run(plan, script, only)
    done = all_finished(plan, script, output)
    if where.address is None and not done:
        warn_of_slow_steps(plan, console)
    way: dict[str, str | bool] = {"address": where.address or "", "local": where.local}
    observe: Observe | None = None
    watching: AbstractContextManager[None] = nullcontext()
    if where.address is not None:
        observe, watching = _cluster_watch(plan, script, output)
    elif not where.local:
        watching = _own_watch(plan, script)
    taken = where.address is None and not done
    place = machine_for(plan.need.alone, console.print) if taken else nullcontext()
    with place, watching:
        return run_plan(plan, script, output, console, make_backend(plan, check_order(plan, script)), way, observe)


def _is_done(job: JobSpec, data: DataSet, script: Script, output: Path) -> bool:
    """Whether this machine would have nothing to run of the job; False where it cannot take it."""
    try:
        return all_finished(make_plan(job, data, script.code_bytes, [this_node()]), script, output)
    except UserError:
        return False


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
        console.print(f"warning: {said}", markup=False, highlight=False, soft_wrap=True)


def _here() -> tuple[list[Node], MakeBackend]:
    return [this_node()], lambda plan, check: partial(LocalBackend, check=check)


def cpus_of_ours(job: JobSpec, cores: int) -> int | None:
    """CPUs that a Ray started here is to offer: as many as the job's seeds want side by side, where this machine has
    fewer `cores`; else None, those it has.

    Seeds that are asked to run at once share what there is, each the same part of it; in two waves the last one would
    have a core to itself.
    """
    each = job.threads * max(1, job.nproc)
    wanted = min(job.concurrent, len(job.seeds)) * each
    return wanted if each <= cores < wanted else None


def _on_ray(address: str | None, console: Console, cpus: int | None) -> tuple[list[Node], MakeBackend]:
    """Ray is imported here, after its environment is prepared, and only where it is used."""
    from runner.backends.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.backends.cluster import LocalQueue, SharedQueue, cluster_nodes, connect
    from runner.backends.ray_backend import RayBackend

    with console.status("starting Ray ..." if address is None else f"connecting to {address} ..."), beside_others():
        connect(address, cpus)
    queue_client = SharedQueue() if address else LocalQueue()

    def make_backend(plan: Plan, check: CheckOrder) -> Callable[[DataRequest], Backend]:
        seeds = len(plan.job.seeds)
        return partial(
            RayBackend,
            need=plan.need,
            side_by_side=plan.concurrent,
            queue_client=queue_client,
            seeds=seeds,
            check=check,
        )

    return cluster_nodes(), make_backend


def _cluster_watch(plan: Plan, script: Script, output: Path) -> tuple[Observe, AbstractContextManager[None]]:
    """On a cluster that is not ours: gauges and a board for its dashboard, and a watch on its head."""
    from runner.backends.cluster import head_address, session_logs
    from runner.backends.head_watch import head_watched, patience
    from runner.drive.board import board_kept
    from runner.drive.gauges import Gauges

    lost, logs = patience(plan.job.stall_seconds), session_logs()

    @contextmanager
    def watched() -> Iterator[None]:
        board = nullcontext() if logs is None else board_kept(output, logs)
        with head_watched(head_address(), run_name(plan, script), lost=lost), board:
            yield

    return Gauges(plan), watched()


def _own_watch(plan: Plan, script: Script) -> AbstractContextManager[None]:
    """On a Ray of our own: a watch on its processes."""
    from runner.backends.local_watch import local_watched, own_parts, patience

    return local_watched(own_parts(), run_name(plan, script), halted=patience(plan.job.stall_seconds))
