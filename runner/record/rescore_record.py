"""`golf verify`, the part that needs the artifacts: were they scored, and do they score the same again?

Artifacts are found by their hashes, in the run folder beside the record or where somebody points. Scoring them
executes the record's script, which may be anybody's, as may all that lies beside it: that is done only where it is
asked for (--run), after every hash held, and cut off from this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golf_model.config.export import ARTIFACT_NAME
from runner.errors import UserError
from runner.folder.paths import RunFolder
from runner.folder.runs import noted_job
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec, of_the_run
from runner.judge.evidence import SAME_BPB_CPU, SAME_BPB_GPU
from runner.node.work_folder import SCRIPT_NAME
from runner.plan.plan import open_job_data
from runner.record.answers import answer, is_pass
from runner.record.cut_off import require_cut_off
from runner.record.folder import Record, stored_job
from runner.record.rescore import scored_by
from runner.results.runs import RunResult
from runner.results.verdicts import Check
from runner.untrusted import files_below, is_regular, read_bytes, sha256_of

Say = Callable[[str], None]
MOST_IN_A_RUN = 2_000_000
"""Files and folders of a run of 20,000 seeds, each tried ten times."""
NOT_ASKED = "not asked: --run scores it again, by the record's script"


@dataclass(frozen=True)
class Source:
    """Where a record's artifacts are, and the job that says where its data are, read only where it is asked for."""

    place: Path
    job: Callable[[], JobSpec]


def source_of(record: Record, artifacts: Path | None, data: Path | None, tokenizer: Path | None) -> Source | None:
    """What the command line points to, else the run folder beside the record; None where there is neither.

    A run folder is only taken where it holds the record's very script. Nothing in it is executed, or believed but for
    where the data are.
    """
    above = record.folder.resolve().parents
    run = RunFolder(above[min(2, len(above) - 1)] / "runs" / Path(record.data.run).name)
    here = is_regular(run.script) and run.script.stat().st_size == len(record.script)
    here = here and read_bytes(run.script, len(record.script)) == record.script
    _require_places(artifacts, data, tokenizer)
    if artifacts is None and not here:
        return None

    def job() -> JobSpec:
        mapping: Mapping[str, Any] = record.data.job
        noted = noted_job(run) if here and is_regular(run.job) else None
        if isinstance(noted, dict) and "data" in noted:
            mapping = {**mapping, "data": noted["data"]}
        return with_data(mapping, record, data, tokenizer)

    return Source(artifacts or run.path / "seeds", job)


def _require_places(artifacts: Path | None, data: Path | None, tokenizer: Path | None) -> None:
    """UserError where what was typed is not there: passed over, it would look like something that was checked."""
    for option, folder in (("--artifacts", artifacts), ("--data", data)):
        if folder is not None and not folder.is_dir():
            raise UserError(f"{option} {folder}: no such folder")
    if tokenizer is None:
        return
    if data is None:
        raise UserError("--tokenizer: goes with --data, the shards that it made")
    if not is_regular(tokenizer, links=True):
        raise UserError(f"--tokenizer {tokenizer}: no such file; give the SentencePiece model of those shards")


def with_data(job: Mapping[str, Any], record: Record, data: Path | None, tokenizer: Path | None) -> JobSpec:
    """The job, with the data that the command line names in the place of its own."""
    if data is None:
        return stored_job(record.data) if job is record.data.job else job_from_mapping(dict(job), source="job.json")
    own = record.folder / Path(record.data.data.tokenizer).name
    found = tokenizer or (own if own.is_file() and not own.is_symlink() else None)
    if found is None:
        raise UserError("--data: add --tokenizer FILE, the SentencePiece model of those shards")
    given = {"corpus": None, "path": str(data.absolute()), "tokenizer": str(found.absolute())}
    return job_from_mapping({**of_the_run(job), "data": given}, source="results.json")


def why_not_run(checks: Iterable[Check], *, run: bool) -> str:
    """Why the record's script is not executed; '' where it may be. checks: asked before; run: what the user said."""
    if not run:
        return NOT_ASKED
    wrong = next((check for check in checks if check.status == "fail"), None)
    return "" if wrong is None else f"not run: {wrong.title} No"


def artifact_checks(record: Record, source: Source | None, say: Say, why_not: str = NOT_ASKED) -> Iterator[Check]:
    """Two answers for each seed that left an artifact: its hash, and its score made again.

    why_not: the record's script is not to be executed for this reason; '' where it may be.
    """
    files: tuple[Path, Path] | str = why_not or "no artifact to score"
    held = {} if source is None else find_artifacts(source.place, record)
    if source is not None and held and not why_not:
        try:
            require_cut_off()
            files = validation_files(source.job(), record, say)
        except UserError as error:
            files = str(error).splitlines()[0]
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
    wanted: dict[str, list[int]] = {}
    for result in record.data.results:
        if result.artifact is not None:
            wanted.setdefault(result.artifact.sha256, []).append(result.seed)
    sizes = {result.artifact.bytes for result in record.data.results if result.artifact is not None}
    found: dict[int, Path] = {}
    for path in files_below(place, MOST_IN_A_RUN) if place.is_dir() else ():
        if is_regular(path) and path.stat().st_size in sizes:
            found |= dict.fromkeys(wanted.get(sha256_of(path, max(sizes)), ()), path)
    return found


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
    job = source.job()
    outputs = None if job.script is None else job.outputs
    if outputs is not None and not outputs.eval_env:
        return unknown("its script has no switch to score only")
    env = {"OMP_NUM_THREADS": str(job.threads), "SEED": str(result.seed), **job.env}
    try:
        reader = scored_by(
            {SCRIPT_NAME: record.script, **record.files},
            path,
            Path(result.artifact.file).name if outputs and result.artifact else ARTIFACT_NAME,
            *files,
            {**env, **(outputs.eval_env if outputs else {})},
            say,
            outputs.pattern("score") if outputs else None,
            apart=True,
        )
    except UserError as error:
        return answer("score", title, "fail", str(error).rpartition(": ")[2], limit, result.seed)
    found = reader.final_scores[-1]
    same = (found.tokens, found.bytes) == (published.tokens, published.bytes)
    close = abs(found.val_bpb - published.val_bpb) <= apart
    told = f"{found.val_bpb:.9f} bpb{'' if same else ', of other targets'}"
    return answer("score", title, is_pass(same and close), told, limit, result.seed)
