"""What an attempt is told to do: everything of its job, and what of earlier attempts it goes on from.

A training that ended well is not done again because its evaluation came to nothing by chance: the next attempt of the
seed only scores the artifact that lies in the run folder. Which ends are chance, runner.drive.retry says.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from golf_model.config.export import ARTIFACT_NAME
from runner.drive.collect import read_result
from runner.drive.retry import may_be_chance
from runner.files import sha256_bytes, sha256_file
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.folder.trainings import whole_training
from runner.job.tracks import TRACKS
from runner.lives.counted_lives import KnownLife
from runner.logs.log_facts import read_log
from runner.node.attempt_spec import AttemptSpec
from runner.plan.plan import Plan
from runner.results.runs import Trained
from runner.script.bundle import Script

LOG_END = 1 << 16
"""Bytes of the end of an earlier attempt's log in which its last step stands."""


def goes_on(plan: Plan) -> bool:
    """Whether an attempt of the job goes on from what a killed one left."""
    job = plan.job
    return job.script is None and bool(job.config.schedule.checkpoint_every_s) and TRACKS[job.track].resumable


def checkpoint_store_name(plan: Plan, folder: RunFolder, ledger: Ledger, seed: int) -> str:
    """Names what a killed attempt leaves for the next one; '' where the track or the job wants none.

    The run folder's place and the beginning of its ledger are part of it: another run of the same job, also one in
    the place of a folder that was moved away, is another record and starts afresh.
    """
    if not goes_on(plan):
        return ""
    origin = ledger.entries[0]["hash"] if ledger.entries else ""
    bound = sha256_bytes(f"{folder.path.resolve()}\n{origin}".encode())[:16]
    return f"{folder.path.name}-{bound}-seed{seed}"


def attempt_spec(
    plan: Plan, script: Script, folder: RunFolder, ledger: Ledger, seed: int, attempt: int
) -> AttemptSpec:
    """One seed's order."""
    job = plan.job
    return AttemptSpec(
        job=job.name,
        seed=seed,
        attempt=attempt,
        script=script.source,
        artifact_name=ARTIFACT_NAME,
        hardware=plan.hardware.name,
        nproc=plan.nproc,
        gpus=plan.need.gpus,
        threads=job.threads,
        train_seconds=plan.limits.train_seconds,
        eval_seconds=plan.limits.eval_seconds,
        stall_seconds=job.stall_seconds,
        env=dict(job.env),
        alone=plan.need.alone,
        shared=plan.concurrent > 1,
        isolate=job.isolate,
        network=job.network,
        apart=(str(folder.path.resolve()),),
        files=dict(script.files),
        outputs=None if job.script is None else job.outputs,
        keep=job.keep_weights,
        store=checkpoint_store_name(plan, folder, ledger, seed),
        launcher=plan.launcher,
    )


def known_lives(folder: RunFolder, ledger: Ledger, seeds: Collection[int]) -> dict[int, tuple[KnownLife, ...]]:
    """Seed -> its attempts that the ledger queued for training, with the training time that the log of each tells."""
    found: dict[int, list[KnownLife]] = {}
    for entry in ledger.entries:
        if entry["kind"] == "queued" and entry["seed"] in seeds and "trained_by" not in entry:
            attempt = entry["attempt"]
            told = last_told_seconds(folder.attempt(entry["seed"], attempt).log("train"))
            found.setdefault(entry["seed"], []).append(KnownLife(attempt, entry["hash"], told))
    return {seed: tuple(lives) for seed, lives in found.items()}


def last_told_seconds(log: Path) -> float | None:
    """Training time that the end of a log tells; None where it tells none, or there is no log."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - LOG_END))
            end = handle.read(LOG_END)
    except OSError:
        return None
    # A line that a killed process did not finish tells nothing.
    told = read_log([end[: end.rfind(b"\n") + 1]]).facts.get("train_seconds")
    return float(told) if told is not None and math.isfinite(told) else None


def scoring_only(spec: AttemptSpec, kept: Trained | None, folder: RunFolder) -> AttemptSpec:
    """The order, to score what was kept of another attempt's training instead of training again."""
    if kept is None:
        return spec
    artifact = folder.attempt(spec.seed, kept.by.attempt).artifact(kept.artifact.file)
    return replace(spec, trained=kept, artifact_at=str(artifact))


def kept_trainings(
    folder: RunFolder, ledger: Ledger, seeds: Collection[int], script_sha256: str, tries: int
) -> dict[int, Trained]:
    """Seed -> the training that its next attempt goes on from; those that have to train are left out.

    The newest one that the ledger saw end well, unless an attempt since came to a result of its own: a score, a
    limit, an error after the score. An artifact is scored at most `tries` times, however often the command is given,
    so that nobody can choose among evaluations; and what was changed on disk since the ledger vouched for it counts
    for nothing.
    """
    known: dict[int, dict[int, dict[str, dict[str, Any]]]] = {}
    for entry in ledger.entries:
        if entry["kind"] in ("launched", "trained", "finished") and entry["seed"] in seeds:
            known.setdefault(entry["seed"], {}).setdefault(entry["attempt"], {})[entry["kind"]] = entry
    found = {seed: _kept_training(folder, seed, attempts, script_sha256, tries) for seed, attempts in known.items()}
    return {seed: kept for seed, kept in found.items() if kept is not None}


def _kept_training(
    folder: RunFolder, seed: int, attempts: dict[int, dict[str, dict[str, Any]]], script_sha256: str, tries: int
) -> Trained | None:
    evaluations = 0
    for number, told in sorted(attempts.items(), reverse=True):
        attempt = folder.attempt(seed, number)
        vouched = told.get("finished", {}).get("result_sha256")
        result = read_result(attempt.result)
        if vouched is not None and (result is None or sha256_file(attempt.result) != vouched):
            return None
        if result is not None and not may_be_chance(result):
            return None
        evaluations += "trained" in told or "trained_by" in told.get("launched", {})
        if "trained" in told:
            same = attempt.trained.is_file() and sha256_file(attempt.trained) == told["trained"]["trained_sha256"]
            return whole_training(attempt, seed, script_sha256) if same and evaluations < tries else None
    return None
