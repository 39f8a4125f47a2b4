"""Before anything runs: is the job possible here, what will it take, and what will come out.

`preflight` needs no cluster and stops a job that cannot work; `make_plan` then fixes what each seed takes on
the hardware that is there. Nothing is started and nothing is written but the data cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from golf_model.shapes import parameter_count
from runner.backends.nodes import Need, Node, inventory
from runner.data.dataset import DataInfo, DataSet, scored_tokens
from runner.data.overlap import with_overlap
from runner.errors import UserError
from runner.job.hardware import Hardware, claimants, resolve_hardware
from runner.job.open_data import DataRequest, open_requested
from runner.job.spec import JobSpec, job_hash, resolved
from runner.job.tracks import TRACKS, Limits, limits_for
from runner.listing import listed
from runner.node.attempt_spec import TORCHRUN
from runner.node.node_check import CheckOrder, script_imports
from runner.plan.coverage import require_coverage
from runner.plan.data_tables import text_notes
from runner.plan.size_forecast import forecast_bytes
from runner.results import SizeForecast
from runner.script.bundle import Script

SETUP_GUESS_S = 15.0
"""Seconds per process that are neither training nor scoring; only for the time shown by `golf plan`."""


@dataclass(frozen=True)
class Plan:
    """A job that can run, and how."""

    job: JobSpec
    resolved: dict[str, Any]
    limits: Limits
    hardware: Hardware
    nproc: int
    concurrent: int
    """Seeds side by side on one node, at most."""
    data: DataSet
    request: DataRequest
    parameters: int | None
    """None for somebody else's script."""
    forecast: SizeForecast | None
    need: Need
    """What one seed takes of a node."""
    nodes: int
    """Nodes that can take a seed."""
    launcher: tuple[str, ...] = TORCHRUN

    def hash8(self, script_sha256: str) -> str:
        """Names the run folder: all that decides the results, but not which seeds were asked for."""
        return job_hash(self.job, script_sha256, self.data.facts.files)


def data_request(job: JobSpec) -> DataRequest:
    """The job's data as a node is asked for it."""
    data = job.data
    return DataRequest(
        corpus=data.corpus,
        folder=None if data.path is None else str(data.path),
        tokenizer=None if data.tokenizer is None else str(data.tokenizer),
        vocab_size=job.config.model.vocab_size if job.script is None else 0,
    )


def open_job_data(job: JobSpec, say: Callable[[str], None]) -> DataSet:
    """The job's data on this machine, made if it is the embedded corpus and not there yet."""
    return open_requested(data_request(job), say)


def preflight(job: JobSpec, code_bytes: int, say: Callable[[str], None]) -> DataSet:
    """Refuse what cannot work; returns the job's data, checked. UserError with what to change."""
    cap = limits_for(job).cap_bytes
    if job.script is not None:
        if code_bytes > cap and not job.allow_over_cap:
            raise UserError(f"{job.script}: script and files are {code_bytes:,} bytes, over the cap of {cap:,}")
        return with_overlap(open_job_data(job, say), progress=say)
    forecast = forecast_bytes(job.config, code_bytes)
    if forecast.low > cap and not job.allow_over_cap:
        raise UserError(
            f"{job.name}: the artifact of {parameter_count(job.config.model):,} parameters will take at least "
            f"{forecast.low:,} bytes, over the cap of {cap:,} ({forecast.basis}). Make the model smaller, or set "
            "allow_over_cap: true to run it all the same (it will end rejected)."
        )
    data = open_job_data(job, say)
    length = job.config.batch.train_seq_len
    require_coverage(len(scored_tokens(data, length)) - 1, job.config.eval, length)
    return with_overlap(data, progress=say)


def check_order(plan: Plan, script: Script) -> CheckOrder:
    """What preflight on a node looks for."""
    own = {Path(name).stem for name in script.files}
    source = script.flat or script.source.decode("utf-8", "replace")
    probe = plan.job.probe if plan.job.probe is not None else plan.need.alone
    return CheckOrder(
        hardware=plan.hardware,
        gpus=plan.need.gpus,
        nproc=plan.nproc,
        alone=plan.need.alone,
        imports=script_imports(source, own),
        requires=plan.job.requires,
        probe=probe,
    )


def make_plan(
    job: JobSpec, data: DataSet, code_bytes: int, nodes: Sequence[Node], launcher: tuple[str, ...] = TORCHRUN
) -> Plan:
    """Fix hardware and processes by what the nodes offer; UserError where none of them can take a seed."""
    hardware = resolve_hardware(job.hardware, max((node.gpus for node in nodes), default=0))
    settled = job.model_copy(update={"hardware": hardware.name})
    nproc = job.nproc or hardware.gpus or 1
    micro = job.config.batch.micro_batches
    if job.script is None and micro % nproc and nproc % micro:
        raise UserError(
            f"{job.name}: {nproc} processes cannot share config.batch.micro_batches = {micro}: "
            "one must divide the other; change nproc or micro_batches"
        )
    exclusive = TRACKS[job.track].exclusive
    need = Need(hardware, nproc * job.threads, nproc if hardware.on_gpu else 0, alone=exclusive)
    fitting = [node for node in nodes if need.fits(node)]
    if not fitting:
        raise UserError(
            f"{job.name}: no node offers {need} for one seed; the cluster has {inventory(nodes)}. "
            "Lower nproc or threads in the job, or change hardware"
        )
    return Plan(
        job=settled,
        resolved=resolved(settled),
        limits=limits_for(job),
        hardware=hardware,
        nproc=nproc,
        concurrent=1 if exclusive else job.concurrent,
        data=data,
        request=data_request(job),
        parameters=parameter_count(job.config.model) if job.script is None else None,
        forecast=forecast_bytes(job.config, code_bytes) if job.script is None else None,
        need=need,
        nodes=len(fitting),
        launcher=launcher if job.launch == "torchrun" else (),
    )


def duration(seconds: float) -> str:
    """A time for people."""
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def hardware_notes(plan: Plan) -> list[str]:
    """What the hardware means for the record."""
    allowed = claimants(plan.job.track)
    if not allowed or plan.hardware.name in allowed:
        return []
    return [f"track {plan.job.track} wants {' or '.join(allowed)}: a run here is labelled so and ends rejected"]


def node_price(plan: Plan, seconds: float, seeds: int) -> str:
    """What nodes for that many seeds cost for that long, where the profile names a price."""
    price = plan.hardware.dollars_per_hour
    if price is None:
        return ""
    nodes = min(plan.nodes, -(-seeds // plan.concurrent))
    return f", about ${nodes * price * seconds / 3600:.2f} on {nodes} node(s) at ${price:g} an hour each (a guess)"


def size_rows(plan: Plan) -> list[tuple[str, str]]:
    """Parameters and bytes, as far as they are known beforehand."""
    cap = f"cap {plan.limits.cap_bytes:,}"
    if plan.forecast is None:
        return [("script", f"{plan.job.script}"), ("size", f"not known beforehand; {cap}")]
    return [
        ("parameters", f"{plan.parameters:,}"),
        ("size", f"{plan.forecast.low:,} to {plan.forecast.high:,} bytes, {cap}"),
        ("", plan.forecast.basis),
    ]


def plan_table(
    plan: Plan, where: str, past: SizeForecast | None = None, claim: Sequence[tuple[str, str]] = ()
) -> Table:
    """The plan for people; past: what earlier runs say of the size; claim: what the job's claim takes."""
    job, limits, facts = plan.job, plan.limits, plan.data.facts
    together = plan.concurrent * plan.nodes
    rounds = -(-len(job.seeds) // together)
    schedule = job.config.schedule
    by_clock = job.script is None and schedule.kind == "wallclock"
    training = schedule.max_wallclock_seconds if by_clock else limits.train_seconds
    longest = rounds * (training + limits.eval_seconds + 2 * SETUP_GUESS_S)
    stop = f"after {schedule.max_wallclock_seconds:g} s" if by_clock else f"after {schedule.iterations:,} steps"
    stop = "when its script does" if job.script is not None else stop
    earlier = []
    if past is not None:
        earlier = [("size, from the past", f"{past.low:,} to {past.high:,} bytes"), ("", past.basis)]
    rows = [
        ("job", f"{job.name}, track {job.track}"),
        ("seeds", f"{listed(job.seeds)} ({min(together, len(job.seeds))} at a time)"),
        ("where", f"{where}; hardware {plan.hardware.name}"),
        *(("", note) for note in hardware_notes(plan)),
        ("each seed", f"{plan.nproc} process(es), {'a node alone with ' if plan.need.alone else ''}{plan.need}"),
        ("data", f"{facts.name}: {facts.train_tokens:,} training and {facts.val_tokens:,} validation tokens"),
        *(("", note) for note in text_notes(facts, job.track)),
        *size_rows(plan),
        *earlier,
        ("training", f"stops {stop}; limit {limits.train_seconds:g} s"),
        ("evaluation", f"limit {limits.eval_seconds:g} s"),
        ("at most", f"about {duration(longest)} for all seeds{node_price(plan, longest, len(job.seeds))}"),
        *claim,
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in rows:
        table.add_row(title, text)
    return table


def info_table(info: DataInfo) -> Table:
    """A data set's figures for people."""
    table = Table(box=None, pad_edge=False)
    for title in ("split", "shards", "tokens", "documents", "bytes", "recounted", "tokens/byte", "nats per bpb"):
        table.add_column(title, justify="left" if title == "split" else "right")
    for split, part in (("train", info.train), ("val", info.val)):
        table.add_row(
            split,
            f"{part.shards}",
            f"{part.tokens:,}",
            f"{part.documents:,}",
            f"{part.bytes:,}",
            "not asked" if part.recounted_bytes is None else f"{part.recounted_bytes:,}",
            f"{part.tokens_per_byte:.6f}",
            f"{part.nats_per_bpb:.6f}",
        )
    return table
