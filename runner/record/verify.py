"""`golf verify`, what the referee asks of a record folder: is it what it says, by its own files alone?

Hashes, script and verdict are asked for here, the results against log, ledger and job in the room `verification`;
nothing is executed. Pages are the reporter's question
(reports.record.rebuild), and scores are made again only where there are artifacts (runner.record.rescore_record).
Answers are `Check`s: what could not be asked is unknown, never pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from runner.data.known_texts import known_text
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.job.external_script import counted_bytes
from runner.job.hardware import PROFILES
from runner.job.spec import JobSpec
from runner.job.tracks import TRACKS, limits_for
from runner.job.variables import counted_variables
from runner.judge.judge import judge
from runner.printable import cut
from runner.record.answers import answer, is_pass, said
from runner.record.files import CHECKSUMS, MOST_LOG_BYTES, bounded, listed_sums, unknown_names
from runner.record.folder import Record, is_inside, of_this_golf, stored_job
from runner.record.verification.clock_checks import clocks_check
from runner.record.verification.data_checks import data_check, sizes_check
from runner.record.verification.first_scores import first_score_checks
from runner.record.verification.isolation_checks import isolation_check
from runner.record.verification.job_checks import job_checks
from runner.record.verification.ledger_checks import ledger_checks
from runner.record.verification.log_checks import log_checks
from runner.results.frozen import Status
from runner.results.verdicts import Check, Verdict
from runner.script.bundle import Packing, pack_twin
from runner.script.compact import MOST_SOURCE
from runner.untrusted import MOST_BYTES, files_below, is_regular, sha256_of

BENT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    AssertionError,
    RecursionError,
    UserError,
)
"""What comes of values that no run of golf has stored: a record may be anybody's."""


def verify_record(record: Record) -> list[Check]:
    """Every answer, in the order in which people read them."""
    job = readable_job(record)
    asked: dict[str, Callable[[], Iterable[Check]]] = {
        "ledger": lambda: ledger_checks(record),
        "log": lambda: log_checks(record, job),
        "clocks": lambda: [clocks_check(record, job)],
        "isolation": lambda: [isolation_check(record, job)],
        "sizes": lambda: [sizes_check(record)],
        "data": lambda: [data_check(record, job)],
        "first_score": lambda: first_score_checks(record.data),
        "follows": lambda: job_checks(record, job),
    }
    return [
        *file_checks(record.folder),
        name_check(record),
        *tokenizer_checks(record),
        *script_checks(record),
        verdict_check(record, job),
        *(check for name, checks in asked.items() for check in answered(name, checks)),
    ]


def answered(name: str, checks: Callable[[], Iterable[Check]]) -> list[Check]:
    """Answers; a fail where the results hold what nothing can be worked out of."""
    try:
        return list(checks())
    except BENT as error:
        told = f"what they hold is none of golf's ({type(error).__name__}: {cut(str(error))})"
        return [answer(name, "Can the results be held against the rest?", "fail", told, "values that golf writes")]


def readable_job(record: Record) -> JobSpec | None:
    """The record's job; None where it is none that golf would run."""
    try:
        return stored_job(record.data)
    except UserError:
        return None


# files ---------------------------------------------------------------------------------------------------------


def file_checks(folder: Path) -> Iterator[Check]:
    """Is every listed file as it was, and none there that is not listed?"""
    sums = listed_sums(folder)
    wrong = []
    for name, digest in sums.items():
        if not is_inside(folder, name) or not is_regular(folder / name):
            wrong.append(f"{cut(name)} is not there")
        elif sha256_of(folder / name, MOST_LOG_BYTES) != digest:
            wrong.append(f"{cut(name)} is another")
    fine = is_pass(bool(sums) and not wrong)
    yield answer("files", "Every file as its hash says?", fine, said(wrong, f"{len(sums)} files"), CHECKSUMS)
    there = {path.relative_to(folder).as_posix() for path in files_below(folder)}
    strange = [cut(name) for name in sorted(there - sums.keys() - {CHECKSUMS})]
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
    if not is_regular(place):
        yield answer("tokenizer", title, "unknown", "not in the folder", wanted[:12])
        return
    found = sha256_of(place, MOST_BYTES)
    yield answer("tokenizer", title, is_pass(found == wanted), found[:12], wanted[:12])


# script --------------------------------------------------------------------------------------------------------


def script_checks(record: Record) -> Iterator[Check]:
    """Is the script the one that ran, of the size that was counted, and what its readable twin makes?"""
    data = record.data
    ran = {one.script_sha256 for one in data.results} | {one.script_sha256 for one in data.verifications}
    status: Status = is_pass(ran == {record.script_sha256}) if ran else "unknown"
    limit = said([one[:12] for one in sorted(ran)], "no seed ran")
    yield answer("script", "The script that ran?", status, record.script_sha256[:12], limit)
    size = counted_bytes(record.script, record.files) + counted_variables(*settings_of(data.job))
    size += own_tokenizer_bytes(record)
    counted = {one.code_bytes for one in data.verifications}
    status = is_pass(counted == {size}) if counted else "unknown"
    limit = said([f"{one:,} B" for one in sorted(counted)], "none was counted")
    yield answer("code_bytes", "Its size as it was counted?", status, f"{size:,} B", limit)
    yield twin_check(record)


def settings_of(job: Mapping[str, Any]) -> list[dict[str, str]]:
    """The variables that a record's job sets for each of its processes; what is no text among them is left out."""
    outputs = job.get("outputs")
    tables = [job.get("env"), outputs.get("eval_env") if isinstance(outputs, dict) else None]
    return [
        {str(name): value for name, value in table.items() if isinstance(value, str)}
        for table in tables
        if isinstance(table, dict)
    ]


def own_tokenizer_bytes(record: Record) -> int:
    """Bytes of a tokenizer in the folder that counts as code: on the challenge's tracks, where it is not its own."""
    facts, track = record.data.data, TRACKS.get(record.data.track)
    place = record.folder / Path(facts.tokenizer).name
    known = known_text(facts.files.get(facts.tokenizer, "")) is not None
    if track is None or not track.contest or known or not facts.tokenizer:
        return 0
    return place.stat().st_size if place.is_file() and not place.is_symlink() else 0


def twin_check(record: Record) -> Check:
    """pack(twin) == train_gpt.py; somebody else's script has no twin."""
    title, limit, place = "What its readable twin makes?", "byte for byte", record.folder / "train_gpt_flat.py"
    if not place.exists():
        theirs = bool(record.data.job.get("script"))
        told = "no twin: it is somebody else's" if theirs else "no twin in the folder"
        return answer("twin", title, "pass" if theirs else "unknown", told, limit)
    try:
        twin = bounded(place, MOST_SOURCE).decode("utf-8")
        made = pack_twin(twin)
        if made != record.script:  # records of before are made as then
            older = (pack_twin(twin, packing) for packing in get_args(Packing)[1:])
            made = next((one for one in older if one == record.script), made)
    except (UserError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        return answer("twin", title, "fail", f"it cannot be packed: {type(error).__name__}", limit)
    same = is_pass(made == record.script)
    return answer("twin", title, same, f"{len(made):,} B, {sha256_bytes(made)[:12]}", limit)


# verdict -------------------------------------------------------------------------------------------------------


def judged_again(record: Record, job: JobSpec | None = None) -> Verdict:
    """The verdict on the stored evidence by today's rules of the track; UserError where the job is none.

    job: the record's, where it has been read already.
    """
    data = record.data
    job = job or stored_job(data)
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
        repacked=data.repacked is not None,
    )


def follows(verdict: Verdict) -> bool:
    """Whether a stored verdict says what its own checks amount to."""
    open_checks = {check.status for check in verdict.checks if check.required} - {"pass"}
    status = "rejected" if "fail" in open_checks else "unverified" if open_checks else "passed"
    return verdict.status in (status, "repacked")


def verdict_check(record: Record, job: JobSpec | None = None) -> Check:
    """Does the stored evidence lead to the stored verdict?"""
    data, title = record.data, "The same verdict from the same evidence?"
    try:
        found = judged_again(record, job)
    except UserError as error:
        told = f"the job cannot be read: {str(error).splitlines()[0]}"
        return answer("verdict", title, "fail", told, data.verdict.status)
    except BENT as error:
        told = f"nothing can be judged by what they hold ({type(error).__name__}: {cut(str(error))})"
        return answer("verdict", title, "fail", told, data.verdict.status)
    asked_then = {check.name for check in data.verdict.checks}
    newer = sorted({check.name for check in found.checks} - asked_then)
    then = {(check.name, check.seed): check for check in data.verdict.checks}
    others = sorted({one.name for one in found.checks if then.get((one.name, one.seed)) != one} - set(newer))
    named = (data.name, data.track) == (data.job.get("name"), data.job.get("track"))
    wrong = [*others, *([] if named else ["name or track is not the job's"])]
    told = f"{found.status}{f'; otherwise: {said(wrong, str())}' if wrong else ''}"
    older = not of_this_golf(data)
    if older and newer and not wrong and found.status != "rejected" and follows(data.verdict):
        # An older golf asked less. What it left out may also have been taken out, so this is no pass.
        told = f"{found.status} by today's rules, which also ask: {said(newer, '')}; the others answer as they did"
        return answer("verdict", title, "unknown", told, data.verdict.status)
    return answer("verdict", title, is_pass(found == data.verdict and named), told, data.verdict.status)
