"""`golf reproduce`: a record's seeds run again from its folder alone, and held against what it says.

How alike two runs must be follows from how they train. By the step count on a CPU with the same threads, processes,
processor and torch, the artifacts must be the same to the bit. Otherwise they need not be: then a seed's score is
held against the spread of the record's seeds, as one more draw from it, and only on the same kind of device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.errors import UserError
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec, resolved
from runner.record.answers import answer, is_pass
from runner.record.files import bounded
from runner.record.folder import Record, stored_job
from runner.record.rescore_record import with_data
from runner.record.verify import file_checks, script_checks
from runner.results.nodes import Host
from runner.results.record import RecordData
from runner.results.runs import RunResult
from runner.results.verdicts import Check
from runner.script.bundle import Script
from runner.statistics import prediction_interval

SAME = ("python", "torch")
"""Versions whose change may change the last bit."""


def stored_script(record: Record) -> Script:
    """The script of a record's folder, the very bytes; UserError where they are not those that ran."""
    wrong = [check for check in (*file_checks(record.folder), *script_checks(record)) if check.status == "fail"]
    if wrong:
        told = "; ".join(f"{check.title} No: {check.measured}" for check in wrong)
        raise UserError(f"{record.folder}: not what was recorded: {told}. See golf verify {record.folder}")
    twin = record.folder / "train_gpt_flat.py"
    flat = bounded(twin).decode("utf-8") if twin.exists() else ""
    return Script(record.script, flat, record.script_sha256, dict(record.files))


def job_again(
    record: Record, seeds: Sequence[int] | None, hardware: str | None, data: Path | None, tokenizer: Path | None
) -> JobSpec:
    """The record's job for some of its seeds, with data of this machine; UserError where it cannot run."""
    recorded = stored_job(record.data)
    if data is None and recorded.data.path is not None:
        raise UserError(
            f"--data FOLDER: needed, as the record holds no data but their hashes ({recorded.data.path.name})"
        )
    known = recorded.seeds
    wanted = known if seeds is None else tuple(seeds)
    for seed in wanted:
        if seed not in known:
            raise UserError(f"--seed {seed}: the record has {', '.join(map(str, known))}")
    job = resolved(with_data(record.data.job, record, data, tokenizer))
    chosen = {"seeds": list(wanted), "hardware": hardware or job["hardware"]}
    return job_from_mapping({**job, **chosen}, source="results.json")


def compare(record: RecordData, again: RecordData) -> list[Check]:
    """Every answer, seed by seed, of a run again."""
    checks = [data_check(record, again)]
    for result in again.results:
        before = next((one for one in record.results if one.seed == result.seed), None)
        if before is not None:
            checks += seed_checks(record, before, result)
    return checks


def data_check(record: RecordData, again: RecordData) -> Check:
    """The same shards and tokenizer?"""
    ours, theirs = again.data.files, record.data.files
    same = sorted(ours.values()) == sorted(theirs.values())
    told = f"{len(ours)} files" if same else "others"
    return answer("data", "The same data?", is_pass(same), told, f"{len(theirs)} files by hash")


def seed_checks(record: RecordData, before: RunResult, now: RunResult) -> Iterator[Check]:
    """What can be said of one seed."""
    if now.status != "completed" or now.artifact is None or now.final_score is None:
        reason = now.reason.splitlines()[0] if now.reason else now.status
        yield answer("completed", "Did it run to its score?", "fail", reason, "completed", now.seed)
        return
    if before.artifact is None or before.final_score is None:
        yield answer("score", "The same score?", "unknown", "the record has none", "a score", now.seed)
        return
    why = why_not_equal(record, before, now)
    limit = before.artifact.sha256[:12]
    if before.artifact.sha256 == now.artifact.sha256:
        yield answer("artifact", "The same artifact?", "pass", f"{now.artifact.sha256[:12]}", limit, now.seed)
        return
    if not why:
        yield answer("artifact", "The same artifact?", "fail", f"{now.artifact.sha256[:12]}", limit, now.seed)
        return
    yield spread_check(record, before, now, why)


def why_not_equal(record: RecordData, before: RunResult, now: RunResult) -> str:
    """Why two runs of a seed need not give the same bits; '' where they must."""
    schedule = (record.job.get("config") or {}).get("schedule") or {}
    if schedule.get("kind") != "steps":
        return "it trains by the clock" if schedule else "its script stops as it likes"
    if before.host is None or now.host is None:
        return "where it ran is not known"
    if {before.host.hardware, now.host.hardware} != {"cpu"}:
        return "GPUs do not sum in a fixed order"
    differing = [name for name in SAME if before.host.versions.get(name) != now.host.versions.get(name)]
    differing += [] if before.host.device == now.host.device else ["processor"]
    differing += [] if before.host.nproc == now.host.nproc else ["number of processes"]
    return f"another {', another '.join(differing)}" if differing else ""


def spread_check(record: RecordData, before: RunResult, now: RunResult, why: str) -> Check:
    """Is the score one that a further seed of the record would have, with 95 %?"""
    title = f"A score like the record's? ({why})"
    assert now.final_score is not None
    steps = "" if now.log.steps is None else f", {now.log.steps:,} steps"
    told = f"{now.final_score.val_bpb:.6f} bpb{steps}"
    scores = [one.final_score.val_bpb for one in record.results if one.final_score is not None]
    interval = further_score(scores)
    if interval is None:
        return answer("spread", title, "unknown", told, "a single seed has no spread", now.seed)
    made = "" if before.log.steps is None else f", {before.log.steps:,} steps"
    limit = f"{interval[0]:.6f} to {interval[1]:.6f} bpb{made}"
    other = not same_device(before.host, now.host)
    if other:
        return answer("spread", title, "unknown", f"{told}, on another device", limit, now.seed)
    inside = interval[0] <= now.final_score.val_bpb <= interval[1]
    return answer("spread", title, is_pass(inside), told, limit, now.seed)


def further_score(scores: Sequence[float]) -> tuple[float, float] | None:
    """95 % prediction interval of one more score (Student's t); None of fewer than two."""
    return prediction_interval(scores) if len(scores) >= 2 else None


def same_device(one: Host | None, other: Host | None) -> bool:
    """The same profile, device and number of processes."""
    if one is None or other is None:
        return False
    return (one.hardware, one.device, one.nproc) == (other.hardware, other.device, other.nproc)
