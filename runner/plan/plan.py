"""Before anything runs: is the job possible here, and what does it take.

`preflight` needs no cluster and stops a job that cannot work; `make_plan` then fixes what each seed takes on
the hardware that is there. Nothing is started and nothing is written but the data cache. What people see of it is
plan_table.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.table import Table

from golf_model.shapes import parameter_count
from runner.backends.nodes import Need, Node, inventory
from runner.data.dataset import DataInfo, DataSet, scored_tokens
from runner.data.overlap import with_overlap
from runner.errors import DataError, UserError
from runner.job.hardware import Hardware, resolve_hardware
from runner.job.open_data import DataRequest, open_requested
from runner.job.spec import JobSpec, job_hash, resolved
from runner.job.tracks import TRACKS, Limits, limits_for
from runner.node.attempt_spec import TORCHRUN
from runner.node.node_check import CheckOrder, script_imports
from runner.plan.coverage import require_coverage
from runner.plan.size_forecast import forecast_bytes, forecast_job
from runner.results.verdicts import SizeForecast
from runner.script.bundle import Script


@dataclass(frozen=True, kw_only=True)
class Outline:
    """How a job runs on some nodes: all of a plan but its data."""

    job: JobSpec
    resolved: dict[str, Any]
    limits: Limits
    hardware: Hardware
    nproc: int
    concurrent: int
    """Seeds side by side on one node, at most."""
    request: DataRequest
    parameters: int | None
    """None for somebody else's script."""
    forecast: SizeForecast | None
    need: Need
    """What one seed takes of a node."""
    nodes: int
    """Nodes that can take a seed."""
    launcher: tuple[str, ...] = TORCHRUN

    @property
    def together(self) -> int:
        """Seeds that run at a time, at most."""
        return self.concurrent * self.nodes

    @property
    def node_share(self) -> float:
        """How much of a node's price an attempt takes."""
        whole = self.need.alone or not self.hardware.gpus
        return 1.0 if whole else self.need.gpus / self.hardware.gpus


@dataclass(frozen=True, kw_only=True)
class Plan(Outline):
    """A job that can run, and how."""

    data: DataSet

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
    require_size(job, code_bytes)
    return checked_data(job, say)


def require_size(job: JobSpec, code_bytes: int) -> None:
    """UserError where script and artifact are over the cap whatever the weights turn out to be."""
    cap = limits_for(job).cap_bytes
    if job.allow_over_cap:
        return
    if job.script is not None:
        if code_bytes > cap:
            raise UserError(f"{job.script}: script and files are {code_bytes:,} bytes, over the cap of {cap:,} bytes")
        return
    forecast = forecast_bytes(job.config, code_bytes)
    if forecast.low > cap:
        raise UserError(
            f"{job.name}: the artifact of {parameter_count(job.config.model):,} parameters will take at least "
            f"{forecast.low:,} bytes, over the cap of {cap:,} bytes ({forecast.basis}). Make the model smaller, or "
            "set allow_over_cap: true to run it all the same (it will end rejected)."
        )


def checked_data(job: JobSpec, say: Callable[[str], None]) -> DataSet:
    """The job's data, opened; DataError where it is missing, or leaves the job's rule nothing to score."""
    data = open_job_data(job, say)
    if job.script is None:
        length = job.config.batch.train_seq_len
        if job.config.eval.byte_sidecar and data.facts.sidecar_bytes is None:
            raise DataError(
                f"{data.folder}: config.eval.byte_sidecar wants one number of bytes for each validation token, in "
                "fineweb_val_bytes_*.bin; bring them with `golf data fetch --variant caseops`, or leave it out"
            )
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
    outline = make_outline(job, code_bytes, nodes, launcher)
    return Plan(**{part.name: getattr(outline, part.name) for part in fields(outline)}, data=data)


def make_outline(
    job: JobSpec, code_bytes: int, nodes: Sequence[Node], launcher: tuple[str, ...] = TORCHRUN
) -> Outline:
    """The same without the job's data."""
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
            f"{'; --profile small rehearses it on any machine' if hardware.on_gpu and job.script is None else ''}"
        )
    return Outline(
        job=settled,
        resolved=resolved(settled),
        limits=limits_for(job),
        hardware=hardware,
        nproc=nproc,
        concurrent=1 if exclusive else job.concurrent,
        request=data_request(job),
        parameters=parameter_count(job.config.model) if job.script is None else None,
        forecast=forecast_job(job, code_bytes, hardware, nproc) if job.script is None else None,
        need=need,
        nodes=len(fitting),
        launcher=launcher if with_torchrun(job, nproc) else (),
    )


def with_torchrun(job: JobSpec, nproc: int) -> bool:
    """Whether torchrun starts a job's script: the contest's command, on its tracks and for several processes.

    Ours is itself as one process; on other tracks it does without, which saves an import of torch in each of a
    seed's two phases.
    """
    if job.script is not None:
        return job.launch == "torchrun"
    return nproc > 1 or TRACKS[job.track].contest


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
