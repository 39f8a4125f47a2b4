"""`golf verify`, the job: does what follows from job, script and hardware profile follow from them still?

What a golf works out from its own tables (forecasts, prices, sources) another golf may work out otherwise: a
difference there is unknown, unless this very golf made the record.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golf_model.shapes import parameter_count
from runner.errors import UserError
from runner.folder.ledger import check_chain
from runner.job.base import attributions, changes
from runner.job.hardware import PROFILES
from runner.job.spec import JobSpec, resolved_hash
from runner.job.tracks import limits_for
from runner.node.attempt_spec import TORCHRUN
from runner.node.work_folder import SCRIPT_NAME
from runner.plan.size_forecast import forecast_job
from runner.record.answers import Findings, answer, plain
from runner.record.comparison_sources import arm_of_record
from runner.record.files import bounded
from runner.record.folder import Record, of_this_golf
from runner.record.verification.duel_checks import duel_checks
from runner.results.frozen import SCHEMA_VERSION
from runner.results.nodes import Host, NodeReport
from runner.results.record import RecordData
from runner.results.verdicts import Check
from runner.script.eval_switch import lines_to_score_alone
from runner.script.requirements import requirements
from runner.sequential.claim import judge_claim

YARDSTICKS = ("unigram", "bigram", "xz", "xz_primed")


def job_checks(record: Record, job: JobSpec | None) -> Iterator[Check]:
    """Every answer about what follows from the job. job: the record's; None where it cannot be read."""
    if job is None:
        yield answer("follows", "As job and script make it?", "fail", "the job cannot be read", "job and script")
        return
    yield run_check(record)
    yield follows_check(record, job)
    yield machines_check(record, job)
    yield from duel_checks(record, entries_of(record))


def run_check(record: Record) -> Check:
    """Is the run named by the hash of this job, script and data?"""
    found, data = Findings("run", "The run of this job, script and data?", "by the hash in its name"), record.data
    wanted = f"{data.name}-{resolved_hash(data.job, record.script_sha256, data.data.files)}"
    found.same("run", data.run, wanted, "job, script and data", sure=of_this_golf(data))
    found.require(data.run.rpartition("-")[0] == data.name, f"run is {data.run}, of a job {data.name}")
    found.same("schema_version", data.schema_version, SCHEMA_VERSION, "golf")
    return found.check()


def follows_check(record: Record, job: JobSpec) -> Check:
    """Limits, sizes, changes, sources, requirements and comparison, worked out anew."""
    found, data = Findings("follows", "As job and script make it?", "worked out anew"), record.data
    ours, sure = job.script is None, of_this_golf(data)
    limits = limits_for(job)
    wanted = {
        "cap_bytes": limits.cap_bytes,
        "train_seconds": limits.train_seconds,
        "eval_seconds": limits.eval_seconds,
    }
    found.same("limits", data.limits, wanted, "the job")
    found.same("model_params", data.model_params, parameter_count(job.config.model) if ours else None, "the job")
    profile = PROFILES.get(job.hardware)
    nproc = job.nproc or (profile.gpus if profile else 0) or 1
    forecast = forecast_job(job, len(record.script), profile, nproc) if ours and profile is not None else None
    found.require((data.forecast is None) == (forecast is None), "forecast: there is one, or none, against the job")
    found.same("forecast", data.forecast, forecast, "the job", sure=sure)
    found.require(not (ours and data.review), "review: only somebody else's script is reviewed")
    made = changes(job)
    found.require((data.changes is None) == (made is None), "changes: there are some, or none, against the job")
    found.same("changes", data.changes, made, "the job", sure=sure)
    sources = attributions(job)
    found.require(bool(data.attributions) == bool(sources), "attributions: there are some, or none, against the job")
    found.same("attributions", data.attributions, sources, "the job", sure=sure)
    source = readable(record)
    hosts = [result.host for result in data.results if result.host is not None]
    needs = requirements(source, (Path(name).stem for name in record.files), job.requires, hosts)
    found.same("requirements", data.requirements, needs, "script and nodes", sure=sure)
    found.same(
        "score_alone", data.score_alone, lines_to_score_alone(job, source, data.results), "the script", sure=sure
    )
    compared(found, record, job, sure=sure)
    yardsticks(found, data, job)
    return found.check()


def readable(record: Record) -> str:
    """The script's readable text, as the packages that it imports are read from it."""
    twin = record.folder / "train_gpt_flat.py"
    try:
        return bounded(twin).decode("utf-8", "replace") if twin.exists() else record.script.decode("utf-8", "replace")
    except UserError:
        return record.script.decode("utf-8", "replace")


def entries_of(record: Record) -> list[dict[str, Any]]:
    """The ledger's entries; none where its chain is broken, which another check tells."""
    try:
        return check_chain(record.folder / "ledger.jsonl")
    except UserError:
        return []


def compared(found: Findings, record: Record, job: JobSpec, *, sure: bool) -> None:
    """The comparison that the job's claim asks for."""
    data = record.data
    found.require(
        (data.comparison is None) == (job.claim is None), "comparison: there is one, or none, against the job"
    )
    if job.claim is not None and data.comparison is not None:
        wanted = judge_claim(job.claim, arm_of_record(data), entries_of(record))
        found.same("comparison", data.comparison, wanted, "scores and claim", sure=sure)


def yardsticks(found: Findings, data: RecordData, job: JobSpec) -> None:
    """What simple methods reach: asked for or not, and loss and bpb of one text."""
    names = [item.name for item in data.yardsticks]
    found.same("yardsticks, their names", names, list(YARDSTICKS) if job.yardsticks else [], "the job")
    counts = next((one for one in data.verifications if one.val_tokens and one.val_bytes), None)
    for number, item in enumerate(data.yardsticks):
        if item.nats_per_token is not None and counts is not None and counts.val_bytes and counts.val_tokens:
            bpb = item.nats_per_token / math.log(2) * counts.val_tokens / counts.val_bytes
            found.same(f"yardsticks.{number}.bpb", item.bpb, bpb, "its loss and the text")


def machines_check(record: Record, job: JobSpec) -> Check:
    """Command, processes, GPUs and price, as the hardware profile has them."""
    found, data = Findings("machines", "On such machines as the job says?", "the hardware profile"), record.data
    profile = PROFILES.get(job.hardware)
    if profile is None:
        found.nothing = f"this golf knows no profile {job.hardware}"
        return found.check()
    nproc = job.nproc or profile.gpus or 1
    gpus = nproc if profile.on_gpu else 0
    if data.gpus_per_seed is not None:
        found.same("gpus_per_seed", data.gpus_per_seed, gpus, "the profile")
    found.same(
        "dollars_per_hour", data.dollars_per_hour, profile.dollars_per_hour, "the profile", sure=of_this_golf(data)
    )
    launchers = ((), TORCHRUN) if job.launch == "torchrun" else ((),)
    commands = [["python", *(part.format(nproc=nproc) for part in one), SCRIPT_NAME] for one in launchers]
    for number, result in enumerate(data.results):
        where, trained = f"results.{number}", result.training
        for phase, name in ((result.train, "train"), (result.eval, "eval")):
            if phase is not None:
                told = f"{where}.{name}.command is not the one that the job makes"
                found.require(plain(phase.command) in commands, told)
        if result.host is not None:
            host_facts(found, f"{where}.host", result.host, result.preflight, job, (nproc, gpus))
        if trained is not None:
            host_facts(found, f"{where}.training.host", trained.host, trained.preflight, job, (nproc, gpus))
    return found.check()


def host_facts(
    found: Findings, where: str, host: Host, report: NodeReport | None, job: JobSpec, order: tuple[int, int]
) -> None:
    """What a node is said to be. report: what preflight found there; order: processes and GPUs that a seed takes."""
    found.same(f"{where}.nproc", host.nproc, order[0], "the job")
    found.same(f"{where}.hardware", host.hardware, job.hardware, "the job")
    fine = host.gpus is None or len(host.gpus) <= order[1]
    found.require(fine, f"{where}.gpus: more than the {order[1]} that a seed takes")
    found.require(bool(host.gpus) or not host.gpus_vouched, f"{where}.gpus_vouched: there are no GPUs to vouch for")
    found.require(host.cpus > 0, f"{where}.cpus is {host.cpus}")
    if report is not None:
        found.same(f"{where}.node", host.node, report.host, "its node's report")
    torch = host.versions.get("torch")
    if report is not None and report.torch is not None and torch is not None:
        found.same(f"{where}.versions.torch", torch, report.torch, "its node's report")
