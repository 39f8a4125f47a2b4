"""`golf repack`: the weights that a run has kept, packed by another export, scored in a fresh process, judged again.

Nothing is trained. Each export is a run folder of its own, whose ledger says whose weights it packs, so that what was
scored is kept and a killed command goes on. Its verdict is `repacked`: packing was off the clock of every track.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golf_model.config.export import ARTIFACT_NAME
from runner.drive.run import Lay
from runner.errors import UserError
from runner.files import sha256_bytes, sha256_file, write_atomic
from runner.folder.ledger import Ledger, check_chain, seeds_of, utc_now
from runner.folder.paths import RunFolder
from runner.folder.repacks import KIND
from runner.folder.runs import noted_job
from runner.folder.trainings import read_trained, whole_training
from runner.job.base import base_spec
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec, resolved
from runner.logs.log_facts import read_log
from runner.machine import asking
from runner.node.environment import handed_on
from runner.results.phases import Artifact, LogFacts
from runner.results.runs import Trained, Training
from runner.script.bundle import PACKAGE, Script
from runner.search.overrides import RawJob, Setting, job_with, place_of
from runner.yaml_lines import load_yaml

PACKER = "golf_model.repack"
LONGEST_S = 4 * 3600
FP16: dict[str, Any] = {
    "export.embed": "float16",
    "export.mlp": "int8",
    "export.attn": "int8",
    "export.other": "int8",
    "export.passthrough_numel": 1_000_000_000,
    "export.rounding": "nearest",
    "export.gptq": {"tokens": 0},
    "export.steps": {},
}
"""The weights with no rounding but to fp16: what every penalty is against."""
REFERENCE = "fp16"
MOST = 100
"""Exports of one command."""


@dataclass(frozen=True)
class Source:
    """A run whose weights were kept."""

    run: RunFolder
    job: JobSpec
    trained: dict[int, Trained]
    """Seed -> the training that counts, its weights checked against the ledger."""


@dataclass(frozen=True)
class Export:
    """One way of packing them."""

    name: str
    job: JobSpec


def kept_source(run: RunFolder) -> Source:
    """A run and its kept weights; UserError where a seed has none, or not those that the ledger vouches for."""
    job = job_from_mapping(noted_job(run), source=str(run.job))
    entries = check_chain(run.ledger, unfinished_ok=True)
    trained_by = {(e["seed"], e["attempt"]): e["trained_by"] for e in entries if "trained_by" in e}
    vouched = {(e["seed"], e["attempt"]): e["trained_sha256"] for e in entries if e["kind"] == "trained"}
    ended = {e["seed"]: e["attempt"] for e in entries if e["kind"] == "finished" and e["status"] == "completed"}
    found: dict[int, Trained] = {}
    for seed in seeds_of(entries):
        if seed not in ended:
            raise UserError(
                f"{run.path.name}: seed {seed} has not completed; golf resume {run.path.name} goes on with it"
            )
        number = trained_by.get((seed, ended[seed]), ended[seed])
        attempt = run.attempt(seed, number)
        trained = read_trained(attempt.trained)
        if trained is None or trained.kept is None:
            told = "set keep_weights: true in the job and run it again: what was packed cannot be got back"
            raise UserError(f"{run.path.name}: no weights of seed {seed} were kept; {told}")
        same = sha256_file(attempt.trained) == vouched.get((seed, number))
        if not same or not attempt.kept.is_file() or sha256_file(attempt.kept) != trained.kept.sha256:
            raise UserError(f"{attempt.kept}: is gone, or not what the ledger vouches for; nothing is packed of it")
        found[seed] = trained
    if not found:
        raise UserError(f"{run.path.name}: no seed was registered")
    return Source(run, job, found)


def exports(source: Source, sets: Sequence[str], grid: Sequence[str]) -> list[Export]:
    """One export for each point of the grid, all with the settings of `sets`; UserError names the option.

    sets: `path=value`; grid: `path=value,value`. Only what stands below `export` can be set.
    """
    fixed = [_setting(text, "--set") for text in sets]
    axes = [_axis(text) for text in grid]
    if not fixed and not axes:
        raise UserError("golf repack: give --set export.FIELD=VALUE, or --grid export.FIELD=VALUE,VALUE")
    paths = [setting.path for setting in fixed] + [axis[0].path for axis in axes]
    places = [place_of(path) for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise UserError(f"{path}: is set twice; give it once")
    points = list(itertools.product(*axes))
    if len(points) > MOST:
        raise UserError(f"--grid: {len(points):,} exports are too many; at most {MOST}")
    return [_export(source, [*fixed, *point]) for point in points]


def reference(source: Source) -> Export | None:
    """The weights as fp16; None where this configuration cannot be without its integers."""
    try:
        job = _job(source, [Setting(path, value) for path, value in FP16.items()], REFERENCE)
    except UserError:
        return None
    return Export(REFERENCE, job)


def _setting(text: str, option: str) -> Setting:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise UserError(f"{option} {text!r}: must be export.FIELD=VALUE, e.g. export.embed=int6")
    try:
        place = place_of(path)
    except ValueError as error:
        raise UserError(f"{option} {path}: {error}") from None
    if place[:2] != ("config", "export"):
        raise UserError(f"{option} {path}: needs another training; golf repack sets what stands below export")
    return Setting(path, load_yaml(value, f"{option} {path}")[0])


def _axis(text: str) -> list[Setting]:
    path, _, values = text.partition("=")
    found = [_setting(f"{path}={value.strip()}", "--grid") for value in values.split(",")]
    if any(found[index].value in [one.value for one in found[:index]] for index in range(len(found))):
        raise UserError(f"--grid {path}: has a value twice; give each once")
    return found


def _export(source: Source, settings: Sequence[Setting]) -> Export:
    words = [
        f"{setting.path.removeprefix('config.').removeprefix('export.')}={setting.value}" for setting in settings
    ]
    return Export(" ".join(words), _job(source, settings, "--set"))


def _job(source: Source, settings: Sequence[Setting], told: str) -> JobSpec:
    """The job whose export packs them, named after the run; it may be over the cap, which is to be found out."""
    mark = source.run.path.name[-8:]
    changes = {
        "name": f"{source.job.name[:44]}-repack-{mark}",
        "base": base_spec(source.job).model_dump(mode="json"),
        "seeds": list(source.trained),
        "keep_weights": False,
        "allow_over_cap": True,
        "claim": None,
    }
    raw = RawJob(resolved(source.job), {}, told, Path())
    return job_with(raw, settings, changes=changes)


def packing(source: Source, job: JobSpec, script: Script) -> Lay:
    """What brings an export's artifacts into its run folder: each packed once, and vouched for by its ledger."""

    def lay(folder: RunFolder, ledger: Ledger, seeds: Sequence[int]) -> None:
        for seed in seeds:
            known = [e["attempt"] for e in ledger.entries if e["kind"] == KIND and e["seed"] == seed]
            if not any(whole_training(folder.attempt(seed, number), seed, script.sha256) for number in known):
                pack_seed(source, job, script, folder, ledger, seed)

    return lay


def pack_seed(source: Source, job: JobSpec, script: Script, folder: RunFolder, ledger: Ledger, seed: int) -> None:
    """Pack one seed's kept weights as an attempt of its own, which another attempt then scores."""
    trained = source.trained[seed]
    assert trained.kept is not None
    kept = source.run.attempt(seed, trained.by.attempt).kept
    content, lines, seconds = packed(kept, job, script)
    attempt = folder.new_attempt(seed)
    ledger.append("queued", seed=seed, attempt=attempt.number, script_sha256=script.sha256)
    log = "".join(
        f"{line}\n" for line in [f"repacked: weights of {source.run.path.name}", f"seed:{seed}", *lines]
    ).encode()
    write_atomic(attempt.log("train"), log)
    artifact = Artifact(file=ARTIFACT_NAME, bytes=len(content), sha256=sha256_bytes(content))
    write_atomic(attempt.artifact(ARTIFACT_NAME), content)
    note = Trained(
        seed=seed,
        script_sha256=script.sha256,
        artifact=artifact,
        train=trained.train,
        log=told_by(log),
        score=None,
        by_rule={},
        by=Training(
            attempt=attempt.number, host=trained.by.host, preflight=None, idle_seconds=None, started_at=utc_now()
        ),
    )
    write_atomic(attempt.trained, note.model_dump_json(indent=2) + "\n")
    ledger.append(
        KIND,
        seed=seed,
        attempt=attempt.number,
        run=source.run.path.name,
        trained_script_sha256=trained.script_sha256,
        trained_artifact_sha256=trained.artifact.sha256,
        kept_sha256=trained.kept.sha256,
        seconds=seconds,
        export=resolved(source.job)["config"]["export"],
    )
    ledger.append("trained", seed=seed, attempt=attempt.number, trained_sha256=sha256_file(attempt.trained))


def told_by(log: bytes) -> LogFacts:
    """What a log of packing says."""
    return read_log([log]).log_facts()


def packed(kept: Path, job: JobSpec, script: Script) -> tuple[bytes, list[str], float]:
    """(artifact, what was said of it, seconds) of kept weights under a job's export, by a process of its own.

    UserError with its words where it fails: weights of another model, an export that wants what was not kept.
    """
    with tempfile.TemporaryDirectory(prefix="golf-repack-") as place:
        config, artifact = Path(place, "config.json"), Path(place, ARTIFACT_NAME)
        config.write_text(json.dumps(resolved(job)["config"]))
        command = [
            sys.executable,
            "-m",
            PACKER,
            str(kept.absolute()),
            str(config),
            str(artifact),
            str(script.code_bytes),
        ]
        around = {
            **asking(handed_on(os.environ)),
            **_our_path(),
            "OMP_NUM_THREADS": str(job.threads),
            "CUDA_VISIBLE_DEVICES": "",
        }
        try:
            done = subprocess.run(
                command, cwd=place, env=around, capture_output=True, text=True, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"{kept}: packing took more than {LONGEST_S / 3600:g} hours") from None
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
            raise UserError(f"{kept}: cannot be packed: {said[-1].removeprefix('error: ')}")
        told = json.loads(done.stdout.splitlines()[-1])
        content = artifact.read_bytes()
    size = len(content)
    lines = [
        f"Code size: {script.code_bytes} bytes",
        *told["lines"],
        f"Serialized model repacked: {size} bytes",
        f"Total submission size repacked: {size + script.code_bytes} bytes",
    ]
    return content, lines, float(told["seconds"])


def _our_path() -> dict[str, str]:
    """Where this very golf_model lies, for a process that is started elsewhere."""
    return {"PYTHONPATH": str(PACKAGE.parent)}
