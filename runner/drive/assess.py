"""From a run folder to everything a record is written from: count, verify, judge.

Every seed that was ever registered for the job belongs to the record, so that a later run of some of them cannot
choose which count. Runs no seed; the yardsticks are measured here where the job asks for them (and cached).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner.data.dataset import DataSet, scored_targets
from runner.data.overlap import with_overlap
from runner.data.prefixes import prefixes
from runner.drive.collect import finished_attempt, read_result
from runner.files import sha256_file, sha256_files
from runner.folder.duels import kept_duel
from runner.folder.evidence import log_paths
from runner.folder.launches import launches, stopped
from runner.folder.ledger import Ledger
from runner.folder.left_out import left_out
from runner.folder.packed import packed, remembered
from runner.folder.paths import RunFolder
from runner.folder.repacks import repacked_of
from runner.folder.same_weights import weights_sha256
from runner.job.base import attributions, changes
from runner.job.external_script import counted_bytes, uncounted_bytes
from runner.job.spec import JobSpec, resolved, without_folders
from runner.job.tracks import TRACKS
from runner.job.variables import counted_variables
from runner.judge.judge import judge
from runner.judge.yardsticks import measure
from runner.logs.loss_curves import curve
from runner.node.attempt import installed_versions
from runner.plan.coverage import Coverage, coverage
from runner.plan.plan import Plan
from runner.plan.ratio_coverage import byte_doubt, named_by, ratio_coverage
from runner.record.artifact_report import inspect_file
from runner.record.comparison_sources import arm_of_record
from runner.record.published import KIND, last_published, published_sha256
from runner.record.variants import variants
from runner.referee import referee_sha256
from runner.results.record import RecordData
from runner.results.runs import RunResult
from runner.results.verdicts import Packed, RatioCoverage, Verification, Yardstick
from runner.review.script_review import review_script
from runner.review.targets import Target
from runner.script.bundle import Script
from runner.script.eval_switch import lines_to_score_alone
from runner.script.requirements import requirements
from runner.sequential.claim import judge_claim


@dataclass(frozen=True)
class JudgedRun:
    """What a run left: the record's content and where its files are."""

    data: RecordData
    folder: RunFolder
    script: Script
    logs: dict[int, list[Path]]
    tokenizer: Path | None
    """Where it is none of the challenge's own, which everybody has."""


@dataclass(frozen=True)
class Carried:
    """Bytes by which a script could be told more than its files hold."""

    variables: int = 0
    """Of the job's variables, where they count as code."""
    tokenizer: int = 0
    """Of the tokenizer, where it does."""
    unknown: int = 0
    """Of files that are read beside the text, and of which nobody knows what they hold."""


def carried_by(job: JobSpec, data: DataSet) -> Carried:
    """What a job's variables and its data could hold beside settings and text.

    The embedded corpus brings a tokenizer that golf itself has made. Of another text's own tokenizer, nobody knows.
    """
    own = 0 if job.data.corpus is not None else data.own_tokenizer_bytes
    contest = TRACKS[job.track].contest
    return Carried(
        variables=counted_variables(job.env, job.outputs.eval_env),
        tokenizer=own if contest else 0,
        unknown=data.own_sidecar_bytes + (0 if contest else own),
    )


def verify(
    folder: RunFolder,
    result: RunResult,
    names: Iterable[str],
    targets: tuple[int, int] | None,
    final: Coverage | None,
    ratio: RatioCoverage | None = None,
    carried: Carried | None = None,
) -> Verification:
    """Count one seed's files as they lie on this disk.

    names: files beside the script. carried: what else reaches the script. targets, final: what the scores of a script
    of ours must cover; ratio: what can be said of the published score of another.
    """
    script = folder.script.read_bytes()
    files = {name: (folder.files / name).read_bytes() for name in names}
    carried = carried or Carried()
    artifact = result.artifact
    path = folder.attempt(result.seed, result.attempt).artifact(artifact.file) if artifact is not None else None
    held = path is not None and path.is_file()
    return Verification(
        seed=result.seed,
        code_bytes=counted_bytes(script, files) + carried.variables + carried.tokenizer,
        data_bytes=uncounted_bytes(files),
        variable_bytes=carried.variables,
        tokenizer_bytes=carried.tokenizer,
        carried_bytes=carried.unknown,
        script_sha256=sha256_files(script, files),
        artifact_bytes=path.stat().st_size if held and path is not None else None,
        artifact_sha256=sha256_file(path) if held and path is not None else None,
        weights_sha256=weights_sha256(path) if held and path is not None else None,
        val_tokens=targets[0] if targets else None,
        val_bytes=targets[1] if targets else None,
        by_sidecar=final is not None and final.by_sidecar,
        final_rule=final.rule if final else None,
        final_tokens=final.tokens if final else None,
        final_bytes=final.bytes if final else None,
        text_tokens=final.text_tokens if final else None,
        left_out=final.left_out if final else None,
        ratio=ratio,
    )


def counted_result(folder: RunFolder, seed: int, script_sha256: str, vouched: set[str]) -> RunResult | None:
    """The seed's completed attempt, else its last one that left a result, else None."""
    attempts = folder.attempts(seed)
    done = finished_attempt(attempts, script_sha256, vouched)
    if done is not None:
        return done
    ended = (read_result(attempt.result) for attempt in reversed(attempts))
    return next((result for result in ended if result is not None and result.status != "completed"), None)


def assess(plan: Plan, script: Script, folder: RunFolder, ledger: Ledger) -> JudgedRun:
    """Verify and judge what the run folder holds."""
    job = plan.job
    seeds, vouched = ledger.registered_seeds(), ledger.finished_hashes()
    found = [counted_result(folder, seed, script.sha256, vouched) for seed in seeds]
    results = [result for result in found if result is not None]
    readable = script.flat or script.source.decode("utf-8", "replace")
    targets, final, ratios = None, None, {}
    if job.script is None:
        targets = scored_targets(plan.data, job.config.batch.train_seq_len, job.config.eval.byte_sidecar)
        final = coverage(plan.data, job.config.eval, job.config.batch.train_seq_len)
    else:
        ratios = ratios_of(plan, readable, results)
    carried = carried_by(job, plan.data)
    verifications = [
        verify(folder, result, script.files, targets, final, ratios.get(result.seed), carried) for result in results
    ]
    verifications = with_packed(verifications, folder, results, int(plan.limits.cap_bytes))
    yardsticks: list[Yardstick] = measure(plan.data, job.config.batch.train_seq_len) if job.yardsticks else []
    to_beat = next((yardstick for yardstick in yardsticks if yardstick.name == job.must_beat), None)
    track = TRACKS[job.track]
    # Preflight has looked already, for whoever reads the plan.
    facts = plan.data.facts if plan.data.facts.overlap is not None else with_overlap(plan.data).facts
    repacked = repacked_of(ledger.entries, resolved(job))
    missing = left_out(folder, ledger.entries, results, script.sha256)
    verdict = judge(
        required=frozenset(track.required),
        cap_bytes=plan.limits.cap_bytes,
        train_seconds=plan.limits.train_seconds,
        eval_seconds=plan.limits.eval_seconds,
        seeds=seeds,
        script_sha256=script.sha256,
        nproc=plan.nproc,
        allowed_hardware=track.hardware,
        results=results,
        verifications=verifications,
        to_beat=to_beat,
        spare_tail=track.spare_tail,
        data=facts,
        left_out=missing,
        repacked=repacked is not None,
    )
    logs = {result.seed: logs_of(folder, result) for result in results}
    published = {**without_folders(plan.resolved), "seeds": seeds}
    hosts = [result.host for result in results if result.host is not None]
    own_steps = None if job.script is None else job.outputs.pattern("step")
    data = RecordData(
        name=job.name,
        run=folder.path.name,
        track=job.track,
        date=last_day(results),
        job=published,
        limits={
            "cap_bytes": plan.limits.cap_bytes,
            "train_seconds": plan.limits.train_seconds,
            "eval_seconds": plan.limits.eval_seconds,
        },
        verdict=verdict,
        results=results,
        verifications=verifications,
        data=facts,
        forecast=plan.forecast,
        model_params=plan.parameters,
        yardsticks=yardsticks,
        ledger=ledger.counts(),
        versions=installed_versions(),
        changes=changes(job),
        attributions=attributions(job),
        variants=variants(folder.path.parent.parent, job.name, folder.path.name, published),
        launches=launches(ledger.entries),
        stopped=stopped(ledger.entries),
        repacked=repacked,
        left_out=missing,
        referee_sha256=referee_sha256(),
        gpus_per_seed=plan.need.gpus,
        dollars_per_hour=plan.hardware.dollars_per_hour,
        requirements=requirements(readable, (Path(name).stem for name in script.files), job.requires, hosts),
        curves=[one for seed, parts in logs.items() if (one := curve(seed, parts, own_steps)) is not None],
        score_alone=lines_to_score_alone(job, readable, results),
        duel=kept_duel(folder),
        review=[] if job.script is None else questions_about(folder, script, job),
    )
    if job.claim is not None:
        comparison = judge_claim(job.claim, arm_of_record(data), ledger.entries)
        data = data.model_copy(update={"comparison": comparison})
    tokenizer = None if plan.data.facts.official_tokenizer else plan.data.tokenizer
    return JudgedRun(data, folder, script, logs, tokenizer)


def last_day(results: Sequence[RunResult]) -> str:
    """The day, as YYYY-MM-DD in UTC, on which the last seed ended: a record's date. '' of no result."""
    return max((result.finished_at[:10] for result in results), default="")


def with_packed(
    verifications: list[Verification], folder: RunFolder, results: Sequence[RunResult], cap_bytes: int
) -> list[Verification]:
    """The same, and of the first seed that completed what its artifact's bytes hold."""
    for number, result in enumerate(results):
        if result.status != "completed" or verifications[number].artifact_bytes is None or result.artifact is None:
            continue
        path = folder.attempt(result.seed, result.attempt).artifact(result.artifact.file)
        sha256, size = verifications[number].artifact_sha256, verifications[number].artifact_bytes
        if sha256 is None or size is None:
            found = packed(path, cap_bytes, inspect_file)
        else:
            found = look_into(folder, path, sha256, size, cap_bytes)
        told = verifications[number].model_copy(update={"packed": found})
        return [*verifications[:number], told, *verifications[number + 1 :]]
    return verifications


def look_into(folder: RunFolder, path: Path, sha256: str, size: int, cap_bytes: int) -> Packed | None:
    """What an artifact's bytes hold: it is looked at once a run, in a process that takes seconds."""
    return remembered(folder.packed, sha256, size, partial(packed, path, cap_bytes, inspect_file))


def questions_about(folder: RunFolder, script: Script, job: JobSpec) -> list[str]:
    """What is open about the code of somebody else's script, by the settings that the job gives it."""
    target = Target(
        job.script or folder.script, folder.files / folder.script.name, None, script.source, job.env, run_known=True
    )
    return review_script(target)[0].questions()


def publish(ledger: Ledger, data: RecordData) -> None:
    """Let the ledger's last entry vouch for all that the record says, unless it does already."""
    sha256, last = published_sha256(data.model_dump(mode="json")), last_published(ledger.entries)
    if last is None or last != ledger.entries[-1] or last.get("results_sha256") != sha256:
        ledger.append(KIND, results_sha256=sha256)


def ratios_of(plan: Plan, source: str, results: Sequence[RunResult]) -> dict[int, RatioCoverage | None]:
    """Seed -> what the published score of somebody else's script says of the text that it covers."""
    job, sidecars = plan.job, plan.data.believed_sidecars
    text, doubt = prefixes(plan.data, sidecars), "" if sidecars else byte_doubt(plan.data.folder)
    found = {}
    for result in results:
        if result.final_score is not None:
            named = named_by(job.env, source, result.log)
            spare = TRACKS[job.track].spare_tail
            found[result.seed] = ratio_coverage(text, result.final_score, named, spare, doubt)
    return found


def logs_of(folder: RunFolder, result: RunResult) -> list[Path]:
    """The logs of a seed's counted attempt, those of the lives that it went on from first.

    Where it only scored what another attempt trained, that one's log of training.
    """
    attempt = folder.attempt(result.seed, result.attempt)
    lives = [life.attempt for life in (result.train.earlier if result.train else [])]
    return log_paths(attempt, lives, None if result.training is None else result.training.attempt)
