"""`golf verify`, the part that needs the artifacts: were they scored, and do they score the same again?

Artifacts are found by their hashes, in the run folder beside the record or where somebody points. Scoring them
executes the record's script: asked for with --artifacts, or where this very script has run here before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golf_model.config import ARTIFACT_NAME
from runner.errors import UserError
from runner.files import sha256_file
from runner.folder.paths import RunFolder
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec
from runner.judge.evidence import SAME_BPB_CPU, SAME_BPB_GPU
from runner.node.work_folder import SCRIPT_NAME
from runner.plan.plan import open_job_data
from runner.record.answers import answer, is_pass
from runner.record.folder import Record, stored_job
from runner.record.rescore import scored_by
from runner.results import Artifact, Check, RunResult

Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """Where a record's artifacts and data are."""

    place: Path
    job: JobSpec


def source_of(record: Record, artifacts: Path | None, data: Path | None, tokenizer: Path | None) -> Source | None:
    """What the command line points to, else the run folder beside the record; None where there is neither.

    A run folder is only taken where it holds the record's very script: then it was executed here before.
    """
    above = record.folder.resolve().parents
    run = RunFolder(above[min(2, len(above) - 1)] / "runs" / Path(record.data.run).name)
    here = run.script.is_file() and run.script.read_bytes() == record.script
    if artifacts is None and not here:
        return None
    if artifacts is not None and not artifacts.is_dir():
        raise UserError(f"--artifacts {artifacts}: no such folder")
    mapping: Mapping[str, Any] = record.data.job
    if here:
        mapping = json.loads(run.job.read_text(encoding="utf-8"))
    return Source(artifacts or run.path / "seeds", with_data(mapping, record, data, tokenizer))


def with_data(job: Mapping[str, Any], record: Record, data: Path | None, tokenizer: Path | None) -> JobSpec:
    """The job, with the data that the command line names in the place of its own."""
    if data is None:
        return stored_job(record.data) if job is record.data.job else job_from_mapping(dict(job), source="job.json")
    own = record.folder / Path(record.data.data.tokenizer).name
    found = tokenizer or (own if own.is_file() and not own.is_symlink() else None)
    if found is None:
        raise UserError("--data: add --tokenizer FILE, the SentencePiece model of those shards")
    given = {"corpus": None, "path": str(data.absolute()), "tokenizer": str(found.absolute())}
    return job_from_mapping({**job, "data": given}, source="results.json")


def artifact_checks(record: Record, source: Source | None, say: Say) -> Iterator[Check]:
    """Two answers for each seed that left an artifact: its hash, and its score made again."""
    files: tuple[Path, Path] | str = "no artifact to score"
    held = {} if source is None else find_artifacts(source.place, record)
    if source is not None and held:
        files = validation_files(source.job, record, say)
    for result in record.data.results:
        if result.artifact is None:
            continue
        path = held.get(result.seed)
        told = (
            f"{result.artifact.bytes:,} B" if path else "not found" if source else "not here: point with --artifacts"
        )
        title = "Its artifact by hash?"
        limit = result.artifact.sha256[:12]
        yield answer("artifact", title, "pass" if path else "unknown", told, limit, result.seed)
        if result.final_score is not None:
            yield score_check(record, source, result, path, files, say)


def find_artifacts(place: Path, record: Record) -> dict[int, Path]:
    """Seed -> a file below `place` with the hash of its artifact."""
    wanted = {result.seed: result.artifact for result in record.data.results if result.artifact is not None}
    sizes = {artifact.bytes for artifact in wanted.values()}
    found: dict[int, Path] = {}
    for path in sorted(place.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size not in sizes:
            continue
        digest = sha256_file(path)
        found |= {seed: path for seed, artifact in wanted.items() if _is(artifact, digest)}
    return found


def _is(artifact: Artifact, digest: str) -> bool:
    return artifact.sha256 == digest


def validation_files(job: JobSpec, record: Record, say: Say) -> tuple[Path, Path] | str:
    """(folder of shards, tokenizer) with the record's hashes, or why there are none."""
    try:
        data = open_job_data(job, say)
    except UserError as error:
        return f"its data: {str(error).splitlines()[0]}; point with --data"
    ours, theirs = data.facts.files, record.data.data.files
    needed = {path.name for path in (*data.val_files, *data.sidecars, data.tokenizer)}
    others = sorted(name for name in needed if ours[name] not in theirs.values())
    return f"other data: {', '.join(others)}" if others else (data.folder, data.tokenizer)


def score_check(
    record: Record,
    source: Source | None,
    result: RunResult,
    path: Path | None,
    files: tuple[Path, Path] | str,
    say: Say,
) -> Check:
    """Does the artifact score the same again, in a process of its own?"""
    title, published = "The same score again?", result.final_score
    assert published is not None
    on_cpu = result.host is not None and result.host.hardware == "cpu"
    apart = SAME_BPB_CPU if on_cpu else SAME_BPB_GPU
    limit = f"{published.val_bpb:.9f} bpb ± {f'{apart:g}'.replace('e-0', 'e-')}"

    def unknown(why: str) -> Check:
        return answer("score", title, "unknown", why, limit, result.seed)

    if source is None or path is None:
        return unknown("no artifact to score")
    if isinstance(files, str):
        return unknown(files)
    outputs = None if source.job.script is None else source.job.outputs
    if outputs is not None and not outputs.eval_env:
        return unknown("its script has no switch to score only")
    env = {"OMP_NUM_THREADS": str(source.job.threads), "SEED": str(result.seed), **source.job.env}
    try:
        reader = scored_by(
            {SCRIPT_NAME: record.script, **record.files},
            path,
            Path(result.artifact.file).name if outputs and result.artifact else ARTIFACT_NAME,
            *files,
            {**env, **(outputs.eval_env if outputs else {})},
            say,
            re.compile(outputs.score) if outputs else None,
        )
    except UserError as error:
        return answer("score", title, "fail", str(error).rpartition(": ")[2], limit, result.seed)
    found = reader.final_scores[-1]
    same = (found.tokens, found.bytes) == (published.tokens, published.bytes)
    close = abs(found.val_bpb - published.val_bpb) <= apart
    told = f"{found.val_bpb:.9f} bpb{'' if same else ', of other targets'}"
    return answer("score", title, is_pass(same and close), told, limit, result.seed)
