"""One attempt of one seed, on the node that runs it: train, freeze, score in a fresh process; or only the last.

`run_attempt` is a generator of messages and the same function in-process (`--local`) and as a Ray task. It
makes its own folder, hands each phase to a supervisor, and removes the folder when it ends, however it ends;
closing the generator kills everything it started. It judges nothing and reads no log.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from runner.data.dataset import DataSet
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.lives.checkpoint_store import CheckpointStore, open_checkpoint_store
from runner.logs.line_clock import LineClock
from runner.node.attempt_spec import TORCHRUN, AttemptSpec
from runner.node.compiled import fetch, keep, place_of, sweep_old
from runner.node.deadlines import eval_deadlines, external_deadlines, overtime, train_deadlines
from runner.node.environment import base_environment, require_lines
from runner.node.gpus import are_vouched, gpu_names
from runner.node.isolation.places import evaluation_bounds, own_places, training_bounds
from runner.node.messages import ArtifactBytes, Finished, LeftBehind, Message, Remark, Started, TrainingEnded
from runner.node.orphans import default_scratch, default_stores, work_folder
from runner.node.phase import run_phase
from runner.node.sightings import Sightings, line_patterns, scored_in_training, scored_result, seen_of, train_result
from runner.node.work_folder import (
    KEPT_NAME,
    MAX_ARTIFACT_BYTES,
    SCRIPT_NAME,
    find_artifact,
    forget_training,
    fresh_folder,
    kept_weights,
    lay_out,
    left_behind,
    still_is,
)
from runner.results.frozen import RunStatus
from runner.results.nodes import Host
from runner.results.phases import PhaseResult, Segment
from runner.script.requirements import imported_packages
from runner.untrusted import read_bytes

VERSIONED = ("torch", "numpy", "sentencepiece", "zstandard", "brotli", "ray")


def command_line(spec: AttemptSpec) -> list[str]:
    """The contest's command with the interpreter of the node's environment."""
    return [sys.executable, *(part.format(nproc=spec.nproc) for part in spec.launcher), SCRIPT_NAME]


def cpu_name() -> str:
    """The processor's name as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def installed_versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Python and the packages that matter, without importing them; more: further packages."""
    versions = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for name in dict.fromkeys((*VERSIONED, *more)):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def nothing_to_resume(message: Finished) -> bool:
    """Whether the attempt came to an end that another must not go on from: completed, bad input, or a loss gone wild.

    Anything else may have been a kill, which torchrun reports like a failure of the script's own.
    """
    told = None if message.train is None else message.train.returncode
    return message.status == "completed" or told in (2, 3)


def with_reads(train: PhaseResult, spec: AttemptSpec) -> PhaseResult:
    """What is known of a training process of ours: when it froze its artifact, and whose readings were seen."""
    # Where others work, too, a reading may be theirs; that there was none says the same everywhere.
    ours = train.reads_watched and (spec.alone or train.last_train_read is None)
    return train.model_copy(update={"frozen_seconds": train.events.get("artifact_frozen"), "reads_watched": ours})


def checkpoint_variables(store: CheckpointStore | None, earlier: Sequence[Segment]) -> dict[str, str]:
    """What a resumable script is told: where its checkpoints lie and how long its earlier lives trained, at most."""
    if store is None:
        return {}
    spent = sum(life.clock.high for life in earlier)
    return {"GOLF_CHECKPOINTS": str(store.checkpoints), "GOLF_EARLIER_S": f"{spent:.3f}"}


def run_attempt(
    spec: AttemptSpec, open_data: Callable[[], DataSet], node: str = "local", scratch: Path | None = None
) -> Generator[Message, None, None]:
    """Run one seed from start to score; the last message is always `Finished` unless the attempt is cut off.

    spec: what to run. open_data: gives the data set on this node, checked. scratch: where the work folder goes.
    """
    root = scratch or default_scratch()
    with work_folder(root) as base, open_checkpoint_store(spec.store, scratch or default_stores()) as store:
        for message in attempt_in(base, spec, open_data, node, store):
            if store is not None and isinstance(message, Finished) and nothing_to_resume(message):
                store.forget()
            yield message


def attempt_in(
    base: Path, spec: AttemptSpec, open_data: Callable[[], DataSet], node: str, store: CheckpointStore | None = None
) -> Generator[Message, None, None]:
    """`run_attempt` in a work folder that exists and is removed by the caller; goes on from what a store holds.

    Trains, unless its order brings another attempt's artifact: then it only scores that.
    """
    gpus = gpu_names()[: spec.gpus] if spec.gpus else []
    host = Host(
        node=platform.node(),
        hardware=spec.hardware,
        device=gpus[0] if gpus else cpu_name(),
        gpus=gpus,
        gpus_vouched=are_vouched() if spec.gpus else None,
        cpus=os.cpu_count() or 0,
        nproc=spec.nproc,
        versions=installed_versions(imported_packages(spec.script.decode("utf-8", "replace"))),
    )
    train: PhaseResult | None = None
    scored: PhaseResult | None = None
    try:
        yield Started(node, str(base), spec.preflight, os.getpid())
        try:
            data = open_data()
        except UserError as error:
            yield Finished("failed", f"data on this node: {error}", None, None, host)
            return
        try:
            env = base_environment(spec, base, os.environ)
            require_lines({"DATA_PATH": str(data.folder), "TOKENIZER_PATH": str(data.tokenizer)})
        except UserError as error:
            yield Finished("failed", str(error), None, None, host)
            return
        if spec.trained is not None:
            train, artifact_name, content = spec.trained.train, spec.trained.artifact.file, spec.artifact
            if sha256_bytes(content) != spec.trained.artifact.sha256:
                yield Finished("lost", "the artifact that it was to score did not arrive whole", train, None, host)
                return
            yield ArtifactBytes(artifact_name, content, spec.trained.artifact.sha256)
            scored, status, reason = yield from evaluation(base, spec, data, env, artifact_name, content, host.device)
            yield Finished(status, reason, train, scored, host)
            return
        folder = base / "train"
        lay_out(folder, spec)
        watch = None if spec.outputs is None else Sightings(LineClock(line_patterns(spec.outputs)))
        where = {"DATA_PATH": str(data.folder), "TOKENIZER_PATH": str(data.tokenizer)}
        earlier, lost = (
            ([], "") if store is None else store.begin(spec.attempt, spec.launch, spec.lives, afresh=spec.afresh)
        )
        if lost:
            yield Remark(lost)
        if store is not None:
            store.checkpoints.mkdir(exist_ok=True)  # the script may not make it: all around it is read-only
        places, compiled = own_places(base), place_of(spec, "train", host.device, base.parent)
        sweep_old(base.parent)
        fetch(compiled, places)
        keeping = {"GOLF_KEEP": KEPT_NAME} if spec.keep else {}
        train, status, reason = yield from run_phase(
            "train",
            command_line(spec),
            folder,
            {**env, **where, **places, **checkpoint_variables(store, earlier), **keeping},
            train_deadlines(spec) if watch is None else external_deadlines(spec),
            spec.stall_seconds,
            None if store is None else store.journal(spec.attempt),
            earlier,
            watch,
            training_bounds(
                base,
                folder,
                data,
                network=spec.network,
                loopback=spec.launcher == TORCHRUN,
                blind=spec.isolate,
                store=None if store is None else store.checkpoints,
                apart=spec.apart,
            ),
            data.train_files,
            gpus=spec.gpus > 0,
            announces=spec.outputs is None or spec.outputs.announce,
        )
        if status == "completed":
            keep(compiled, places)
        train = train.model_copy(update={"started_afresh": lost})
        artifact = find_artifact(folder, spec)
        if watch is None:
            train = with_reads(train, spec)
        else:
            frozen_at = None if artifact is None else watch.frozen(artifact, folder, train.wall_seconds)
            seen = seen_of(train, watch, frozen_at, alone=spec.alone, shared=spec.shared)
            train = train_result(train, watch, seen)
        if status == "completed" and artifact is None:
            wanted = spec.artifact_name if spec.outputs is None else spec.outputs.artifact
            status, reason = "failed", f"the training process wrote no artifact ({wanted})"
            yield LeftBehind(*left_behind(folder, spec))
        content = b""
        if status == "completed" and artifact is not None:
            size = artifact.stat().st_size
            if size > MAX_ARTIFACT_BYTES:
                status, reason = "failed", f"{artifact.name} is {size:,} bytes: no artifact of a contest"
            else:
                try:
                    content = read_bytes(artifact, MAX_ARTIFACT_BYTES)
                except UserError as error:
                    status, reason = "failed", f"its artifact: {error}"
        if status != "completed" or artifact is None:
            yield Finished(status, reason, train, None, host)
            return
        frozen = sha256_bytes(content)
        if spec.outputs is not None and watch is not None and not spec.outputs.eval_env:
            scored = scored_in_training(train, watch, seen)
            yield ArtifactBytes(artifact.name, content, frozen)
            yield Finished(status, reason, train, scored, host)
            return
        yield ArtifactBytes(artifact.name, content, frozen)
        if spec.keep:
            yield from kept_weights(folder)
        yield TrainingEnded(train, host)
        scored, status, reason = yield from evaluation(base, spec, data, env, artifact.name, content, host.device)
        yield Finished(status, reason, train, scored, host)
    except OSError as error:
        # It is the node's failure and not the script's: another node may do.
        yield Finished("lost", f"on the node: {error}", train, scored, host)


def evaluation(
    base: Path, spec: AttemptSpec, data: DataSet, env: Mapping[str, str], name: str, content: bytes, device: str
) -> Generator[Message, None, tuple[PhaseResult | None, RunStatus, str]]:
    """Score an artifact, given by its name and content, in a fresh process that finds nothing else of training.

    device: name of what computes; what an evaluation on it compiled is there for the next seed's.
    There is no result where the text that it was to score changed since the job was planned.
    """
    forget_training(base)
    try:
        folder, shards, tokenizer = fresh_folder(base, spec, (name, content), data)
    except UserError as error:
        return None, "failed", str(error)
    where = {"DATA_PATH": str(shards), "TOKENIZER_PATH": str(tokenizer)}
    switch = {} if spec.outputs is None else spec.outputs.eval_env
    places, compiled = own_places(base), place_of(spec, "eval", device, base.parent)
    fetch(compiled, places)
    again = None if spec.outputs is None else Sightings(LineClock(line_patterns(spec.outputs)))
    scored, status, reason = yield from run_phase(
        "eval",
        command_line(spec),
        folder,
        {**env, **where, **places, **switch},
        eval_deadlines(spec) if spec.outputs is None else external_deadlines(spec),
        # Scoring says nothing until it has ended, so silence shorter than its limit tells nothing.
        max(spec.stall_seconds, overtime(spec.eval_seconds)) if spec.stall_seconds else 0.0,
        watch=again,
        bounds=evaluation_bounds(base, folder, shards, data, loopback=spec.launcher == TORCHRUN, apart=spec.apart),
        alive=spec.stall_seconds,
        announces=spec.outputs is None or spec.outputs.announce,
    )
    if status == "completed":
        keep(compiled, places)
    if again is not None:
        scored = scored_result(scored, again)
    if status == "completed" and not still_is(folder / name, content):
        status, reason = "failed", "the artifact changed after it was frozen"
    return scored, status, reason
