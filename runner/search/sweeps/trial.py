"""One trial: a job run to its verdict in the sweep's folder, as golf run does it, and what that says to the sampler.

A trial that was cut off is run again with the same job, and so goes on where its run folder stands. No record is
written of it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console

from runner.drive.assess import JudgedRun
from runner.drive.collect import Collector
from runner.drive.execute import Place, Where, gauges_of
from runner.drive.run import run_plan
from runner.drive.which_run import run_name
from runner.errors import UserError
from runner.folder.held import node_seconds
from runner.folder.paths import RunFolder
from runner.job.spec import BESIDE_THE_RUN, JobSpec
from runner.judge.judge import reason
from runner.plan.plan import Plan, check_order, checked_data, data_request, make_plan
from runner.plan.size_forecast import forecast_bytes
from runner.results.verdicts import Verification
from runner.script.bundle import script_of
from runner.search.sweeps.facts import TrialFacts
from runner.search.sweeps.folder import SweepFolder

if TYPE_CHECKING:
    from runner.backends.cluster import QueueClient
    from runner.backends.fair_queue import Demand
    from runner.backends.nodes import Node
    from runner.data.dataset import DataSet

FAULTS = ("train_clock", "eval_clock", "artifact_hash", "process_agreement", "bpb_arithmetic", "no_nan", "one_script")
"""Checks by whose failure a trial has no score that counts; those of a record that one trial cannot answer are not
asked."""


class TrialStopped(BaseException):
    """The trial is to end: it is pruned, or the sweep's driver ends."""


class Turns:
    """One trial's door to the queue that all trials of a driver share; the way to stop one that still waits."""

    def __init__(self, shared: QueueClient, lock: threading.Lock, stop: threading.Event) -> None:
        self.shared, self.lock, self.stop = shared, lock, stop

    def ask(self, demand: Demand, nodes: Sequence[Node]) -> dict[str, str]:
        """Key of a waiting ticket -> node id. TrialStopped where the trial is to end."""
        if self.stop.is_set():
            raise TrialStopped
        with self.lock:
            return self.shared.ask(demand, nodes)

    def leave(self, driver: str) -> None:
        """The trial wants nothing more."""
        with self.lock:
            self.shared.leave(driver)


@dataclass
class Grounds:
    """What all trials of one driver share."""

    folder: SweepFolder
    place: Place
    where: Where
    say: Callable[[str], None]
    queue_lock: threading.Lock = field(default_factory=threading.Lock)
    data_lock: threading.Lock = field(default_factory=threading.Lock)
    opened: dict[str, DataSet] = field(default_factory=dict)
    """Data that this driver has checked already, by all that the check asks of a job."""

    def data(self, job: JobSpec) -> DataSet:
        """The job's data, checked once. DataError where they are missing or do not fit."""
        request = repr((data_request(job), job.script is None, job.config.eval, job.config.batch.train_seq_len))
        with self.data_lock:
            if request not in self.opened:
                self.opened[request] = checked_data(job, self.say)
            return self.opened[request]


def run_trial(
    grounds: Grounds,
    number: int,
    params: Mapping[str, Any],
    job: JobSpec,
    validated: Callable[[int, float], None],
    stop: threading.Event,
) -> TrialFacts:
    """Run a trial to its end; a failed run is a value.

    validated: told step and bpb of each validation in mid-run of its first seed. stop: ends it, and it is `pruned`
    then. UserError where nothing can run here, OSError where this disk does not take it.
    """
    facts = TrialFacts(number=number, state="failed", params=dict(params))
    job = job.model_copy(update=dict.fromkeys(BESIDE_THE_RUN))  # the sweep has a budget of its own, and no sinks
    try:
        script = script_of(job)
        plan = make_plan(job, grounds.data(job), script.code_bytes, grounds.place.nodes())
    except UserError as error:
        return facts.model_copy(update={"reason": str(error).split("\n")[0]})
    cap = plan.limits.cap_bytes
    if job.script is None and not job.allow_over_cap:
        forecast = forecast_bytes(job.config, script.code_bytes)
        if forecast.low > cap:
            why = f"not run: its artifact will take at least {forecast.low:,} bytes, over the cap of {cap:,}"
            told = {"total_bytes": forecast.low, "cap_bytes": cap, "reason": why}
            return facts.model_copy(update={"state": "infeasible", **told})
    watch = Watch(plan, validated, stop, gauges_of(grounds.where, plan))
    turns: Any = lambda shared: Turns(shared, grounds.queue_lock, stop)  # noqa: E731
    make_backend = grounds.place.backend(turns, None)(plan, check_order(plan, script))
    way: dict[str, str | bool] = {"address": grounds.where.address or "", "local": grounds.where.local}
    log = grounds.folder.log(job.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as handle:
        console = Console(file=handle, width=200, force_terminal=False)
        try:
            done = run_plan(plan, script, grounds.folder.path, console, make_backend, way, watch)
        except TrialStopped:
            run = RunFolder(grounds.folder.path / "runs" / run_name(plan, script))
            return facts.model_copy(update={"state": "pruned", "run": run.path.name, **spent_on(run, plan)})
    return outcome(facts, done, plan)


class Watch:
    """Hears every message of a trial's attempts: passes validations on, and ends the trial when it is told to."""

    def __init__(
        self,
        plan: Plan,
        validated: Callable[[int, float], None],
        stop: threading.Event,
        also: Callable[[Collector], None] | None,
    ) -> None:
        self.first = plan.job.seeds[0]
        self.validated, self.stop, self.also = validated, stop, also
        self.told = 0

    def __call__(self, collector: Collector) -> None:
        if self.also is not None:
            self.also(collector)
        facts = collector.readers["train"].facts
        step, bpb = facts.get("live_val_step") or 0, facts.get("live_val_bpb", math.nan)
        if collector.spec.seed == self.first and step > self.told and math.isfinite(bpb):
            self.told = step
            self.validated(step, bpb)
        if self.stop.is_set() and collector.result is None:
            raise TrialStopped


def outcome(facts: TrialFacts, done: JudgedRun, plan: Plan) -> TrialFacts:
    """What a judged run says of its trial."""
    results = {result.seed: result for result in done.data.results}
    scores = {
        str(seed): result.final_score.val_bpb
        for seed in plan.job.seeds
        if (result := results.get(seed)) is not None
        and result.status == "completed"
        and result.final_score is not None
    }
    sizes = [total for one in done.data.verifications if (total := total_bytes(one)) is not None]
    spent = spent_on(done.folder, plan)
    facts = facts.model_copy(
        update={
            "run": done.folder.path.name,
            "scores": scores,
            "total_bytes": max(sizes, default=None),
            "cap_bytes": plan.limits.cap_bytes,
            **spent,
        }
    )
    lacking = [seed for seed in plan.job.seeds if str(seed) not in scores]
    if lacking:
        result = results.get(lacking[0])
        status = "never ran" if result is None else result.status
        why = result.reason.splitlines()[0] if result is not None and result.reason else "no score"
        told = why if status == "failed" else f"{status}: {why}"
        return facts.model_copy(update={"reason": f"seed {lacking[0]}: {told}"})
    failed = [check for check in done.data.verdict.checks if check.required and check.status == "fail"]
    faults = [check for check in failed if check.name in FAULTS]
    if faults:
        return facts.model_copy(update={"reason": reason(faults[0])})
    mean = sum(scores.values()) / len(scores)
    over = [check for check in failed if check.name == "bytes_total"]
    if over or (facts.total_bytes or 0) > plan.limits.cap_bytes:
        why = f"{facts.total_bytes or 0:,} bytes, over the cap of {plan.limits.cap_bytes:,}"
        return facts.model_copy(update={"state": "infeasible", "bpb": mean, "reason": why})
    return facts.model_copy(update={"state": "scored", "bpb": mean})


def total_bytes(one: Verification) -> int | None:
    """Script and artifact as they are counted against the cap."""
    return None if one.artifact_bytes is None else one.code_bytes + one.artifact_bytes


def spent_on(run: RunFolder, plan: Plan) -> dict[str, Any]:
    """Seconds that the attempts of a run have held their nodes, of GPUs, and dollars by the profile's price.

    Of an attempt whose driver was killed, nobody timed the end: it is counted up to the last that was heard of it.
    """
    seconds = node_seconds(run)
    gpus, price, share = plan.need.gpus, plan.hardware.dollars_per_hour, plan.node_share
    return {
        "seconds": round(seconds, 1),
        "gpu_seconds": round(seconds * gpus, 1),
        "dollars": None if price is None else seconds / 3600 * price * share,
    }
