"""`golf verify`, what the referee asks of a record folder: is it what it says, by its own files alone?

Hashes, script, verdict, ledger and logs; nothing is executed. Pages are the reporter's question
(reports.record.rebuild), and scores are made again only where there are artifacts (runner.record.rescore_record).
Answers are `Check`s: what could not be asked is unknown, never pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.errors import UserError
from runner.files import sha256_bytes, sha256_file
from runner.folder.ledger import Ledger
from runner.job.external_script import counted_bytes
from runner.job.hardware import PROFILES
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec
from runner.job.tracks import TRACKS, limits_for
from runner.judge.judge import judge
from runner.logs.log_facts import LogReader
from runner.printable import cut
from runner.record.files import CHECKSUMS, bounded, listed_sums, unknown_names
from runner.record.folder import Record, is_inside
from runner.results import Check, RecordData, RunResult, Score, Status, Verdict
from runner.script.bundle import pack_twin

SHOWN = 4
"""Names that an answer gives; the others are counted."""


def verify_record(record: Record) -> list[Check]:
    """Every answer, in the order in which people read them."""
    return [
        *file_checks(record.folder),
        name_check(record),
        *tokenizer_checks(record),
        *script_checks(record),
        verdict_check(record),
        *ledger_checks(record),
        *log_checks(record),
    ]


def answer(name: str, title: str, status: Status, measured: str, limit: str, seed: int | None = None) -> Check:
    """One answer of `golf verify`; all are asked for, so all are required."""
    return Check(name=name, title=title, status=status, required=True, seed=seed, measured=measured, limit=limit)


def said(names: Sequence[str], fine: str) -> str:
    """The first names of what is wrong, or that nothing is."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}" if names else fine


def is_pass(fine: bool) -> Status:
    """pass or fail."""
    return "pass" if fine else "fail"


# files ---------------------------------------------------------------------------------------------------------


def file_checks(folder: Path) -> Iterator[Check]:
    """Is every listed file as it was, and none there that is not listed?"""
    sums = listed_sums(folder)
    wrong = []
    for name, digest in sums.items():
        path = folder / name
        if not is_inside(folder, name) or path.is_symlink() or not path.is_file():
            wrong.append(f"{name} is not there")
        elif sha256_file(path) != digest:
            wrong.append(f"{name} is another")
    fine = is_pass(bool(sums) and not wrong)
    yield answer("files", "Every file as its hash says?", fine, said(wrong, f"{len(sums)} files"), CHECKSUMS)
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    strange = sorted({path.relative_to(folder).as_posix() for path in paths} - sums.keys() - {CHECKSUMS})
    yield answer("no_others", "No file that is not listed?", is_pass(not strange), said(strange, "none"), CHECKSUMS)


def name_check(record: Record) -> Check:
    """Is every listed file one that records have? Whatever else lies there nobody has asked for."""
    strange = unknown_names(record.folder, record.data)
    title = "No file that no record has?"
    return answer("known_names", title, is_pass(not strange), cut(said(strange, "none")), "files of a record")


def tokenizer_checks(record: Record) -> Iterator[Check]:
    """Is the tokenizer in the folder the one that the data were made with? Not asked of the challenge's own."""
    facts = record.data.data
    if not facts.tokenizer or facts.official_tokenizer:
        return
    title, place = "The tokenizer of the data?", record.folder / Path(facts.tokenizer).name
    wanted = facts.files.get(facts.tokenizer, "")
    if place.is_symlink() or not place.is_file():
        yield answer("tokenizer", title, "unknown", "not in the folder", wanted[:12])
        return
    found = sha256_file(place)
    yield answer("tokenizer", title, is_pass(found == wanted), found[:12], wanted[:12])


# script --------------------------------------------------------------------------------------------------------


def script_checks(record: Record) -> Iterator[Check]:
    """Is the script the one that ran, of the size that was counted, and what its readable twin makes?"""
    data = record.data
    ran = {one.script_sha256 for one in data.results} | {one.script_sha256 for one in data.verifications}
    status: Status = is_pass(ran == {record.script_sha256}) if ran else "unknown"
    limit = said([one[:12] for one in sorted(ran)], "no seed ran")
    yield answer("script", "The script that ran?", status, record.script_sha256[:12], limit)
    size, counted = counted_bytes(record.script, record.files), {one.code_bytes for one in data.verifications}
    status = is_pass(counted == {size}) if counted else "unknown"
    limit = said([f"{one:,} B" for one in sorted(counted)], "none was counted")
    yield answer("code_bytes", "Its size as it was counted?", status, f"{size:,} B", limit)
    yield twin_check(record)


def twin_check(record: Record) -> Check:
    """pack(twin) == train_gpt.py; somebody else's script has no twin."""
    title, limit, place = "What its readable twin makes?", "byte for byte", record.folder / "train_gpt_flat.py"
    if not place.exists():
        theirs = bool(record.data.job.get("script"))
        told = "no twin: it is somebody else's" if theirs else "no twin in the folder"
        return answer("twin", title, "pass" if theirs else "unknown", told, limit)
    try:
        made = pack_twin(bounded(place).decode("utf-8"))
    except (UserError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        return answer("twin", title, "fail", f"it cannot be packed: {type(error).__name__}", limit)
    same = is_pass(made == record.script)
    return answer("twin", title, same, f"{len(made):,} B, {sha256_bytes(made)[:12]}", limit)


# verdict -------------------------------------------------------------------------------------------------------


def stored_job(data: RecordData) -> JobSpec:
    """The job that a record keeps, checked like any other; UserError where it is none."""
    return job_from_mapping(data.job, source="results.json")


def judged_again(record: Record) -> Verdict:
    """The verdict on the stored evidence by today's rules of the track; UserError where the job is none."""
    data = record.data
    job = stored_job(data)
    limits, track = limits_for(job), TRACKS[job.track]
    profile = PROFILES.get(job.hardware)
    nproc = job.nproc or (profile.gpus if profile else 0) or 1
    to_beat = next((item for item in data.yardsticks if item.name == job.must_beat), None)
    return judge(
        required=frozenset(track.required),
        cap_bytes=limits.cap_bytes,
        train_seconds=limits.train_seconds,
        eval_seconds=limits.eval_seconds,
        seeds=job.seeds,
        script_sha256=record.script_sha256,
        nproc=nproc,
        allowed_hardware=track.hardware,
        results=data.results,
        verifications=data.verifications,
        to_beat=to_beat,
        spare_tail=track.spare_tail,
        data=data.data,
        left_out=data.left_out,
    )


def follows(verdict: Verdict) -> bool:
    """Whether a stored verdict says what its own checks amount to."""
    open_checks = {check.status for check in verdict.checks if check.required} - {"pass"}
    status = "rejected" if "fail" in open_checks else "unverified" if open_checks else "passed"
    return verdict.status == status


def verdict_check(record: Record) -> Check:
    """Does the stored evidence lead to the stored verdict?"""
    data, title = record.data, "The same verdict from the same evidence?"
    try:
        found = judged_again(record)
    except UserError as error:
        told = f"the job cannot be read: {str(error).splitlines()[0]}"
        return answer("verdict", title, "fail", told, data.verdict.status)
    asked_then = {check.name for check in data.verdict.checks}
    newer = sorted({check.name for check in found.checks} - asked_then)
    others = sorted({check.name for check in found.checks if check not in data.verdict.checks} - set(newer))
    named = (data.name, data.track) == (data.job.get("name"), data.job.get("track"))
    wrong = [*others, *([] if named else ["name or track is not the job's"])]
    told = f"{found.status}{f'; otherwise: {said(wrong, str())}' if wrong else ''}"
    if newer and not wrong and found.status != "rejected" and follows(data.verdict):
        # An older golf asked less. What it left out may also have been taken out, so this is no pass.
        told = f"{found.status} by today's rules, which also ask: {said(newer, '')}; the others answer as they did"
        return answer("verdict", title, "unknown", told, data.verdict.status)
    return answer("verdict", title, is_pass(found == data.verdict and named), told, data.verdict.status)


# ledger --------------------------------------------------------------------------------------------------------


def ledger_checks(record: Record) -> Iterator[Check]:
    """Is the ledger's chain whole, and does it know these results and no seed that was kept back?"""
    title, place, data = "The ledger's chain whole?", record.folder / "ledger.jsonl", record.data
    if not place.exists():
        yield answer("ledger", title, "unknown", "no ledger in the folder", "whole")
        return
    try:
        bounded(place)
        ledger = Ledger(place, read_only=True)
        registered, counts, vouched = ledger.registered_seeds(), ledger.counts(), ledger.finished_hashes()
        scripts = {entry["script_sha256"] for entry in ledger.entries if entry["kind"] == "registered"}
    except (UserError, KeyError, TypeError) as error:
        told = str(error).splitlines()[0].replace(f"{place}:", "line ")
        yield answer("ledger", title, "fail", told, "whole")
        return
    yield answer("ledger", title, "pass", f"{len(ledger.entries)} entries", "whole")
    wrong = ["other counts"] if counts != data.ledger else []
    wrong += [] if scripts == {record.script_sha256} else ["another script"]
    wrong += [] if registered == data.job.get("seeds") else ["other seeds"]
    title = "Registered: this script and these seeds?"
    yield answer("registered", title, is_pass(not wrong), said(wrong, "as in results.json"), "as in results.json")
    unknown = [f"seed {result.seed}" for result in data.results if result_sha256(result) not in vouched]
    told = said(unknown, f"{len(data.results)} results")
    yield answer("vouched", "Does it vouch for every result?", is_pass(not unknown), told, "by hash")


def result_sha256(result: RunResult) -> str:
    """Hash of the result.json that an attempt left: what was never written is left out, as fields come and go."""
    return sha256_bytes((result.model_dump_json(indent=2, exclude_unset=True) + "\n").encode())


# logs ----------------------------------------------------------------------------------------------------------


def log_checks(record: Record) -> Iterator[Check]:
    """Does each seed's log say the published score?"""
    for result in record.data.results:
        if result.final_score is not None:
            place = record.folder / f"train_seed{result.seed}.log"
            try:
                status, told = log_answer(place, result.final_score, score_pattern(record.data))
            except UserError as error:
                status, told = "unknown", f"the job cannot be read: {str(error).splitlines()[0]}"
            title, published = "The log says the published score?", f"{result.final_score.val_bpb!r} bpb"
            yield answer("log", title, status, told, published, result.seed)


def score_pattern(data: RecordData) -> re.Pattern[str] | None:
    """How somebody else's script writes a score, by the record's job; None for a script of ours. UserError where the
    job, or its pattern, is none that golf would run."""
    return re.compile(stored_job(data).outputs.score) if data.job.get("script") else None


def log_answer(place: Path, published: Score, pattern: re.Pattern[str] | None) -> tuple[Status, str]:
    """What the last score in a log comes to; pattern: of somebody else's lines."""
    if place.is_symlink() or not place.is_file():
        return "unknown", "no log"
    found = read_file(place, pattern).final_scores
    if not found:
        return "fail", "no line with a score"
    said = found[-1]
    if pattern is not None and not published.printed_bpb:  # a record of before digits and counts were kept
        kept = ("tokens", "bytes", "printed_loss", "printed_bpb")
        said = said.model_copy(update={name: getattr(published, name) for name in kept})
    return is_pass(said == published), f"{said.val_bpb!r} bpb"


def read_file(path: Path, pattern: re.Pattern[str] | None = None) -> LogReader:
    """A log's facts, read in pieces; pattern: how somebody else's script writes a score."""
    reader = LogReader(pattern=pattern)
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            reader.feed(chunk)
    reader.feed(b"\n")
    return reader
