"""The audit of one record folder, or of many: read, give each run its role, hold claims against logs.

Nothing that is read is executed, and nothing is written. The same folder gives the same audit, always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from runner.audit.checks.claim_checks import claim_findings
from runner.audit.checks.file_checks import file_findings
from runner.audit.checks.limits import limit_findings, primary
from runner.audit.checks.program_checks import program_findings, program_notes
from runner.audit.checks.roles import assign_roles, is_aside, shows_a
from runner.audit.checks.text_checks import text_findings, text_notes
from runner.audit.claims.readme import Readme, read_readme
from runner.audit.claims.shown import spread
from runner.audit.claims.statement import Statement, state
from runner.audit.claims.submission import Submission, read_submission
from runner.audit.facts import Audit, Run
from runner.audit.reading.folder import Folder, open_folder
from runner.audit.reading.joins import join_scorings
from runner.audit.reading.logs import read_log
from runner.audit.reading.runs import Reading
from runner.audit.severity import finding
from runner.audit.track import track_of
from runner.errors import UserError
from runner.parallel import in_parallel
from runner.untrusted import sha256_of

GRAVEST_FIRST = {"error": 0, "warn": 1, "info": 2}


def audit_folder(path: Path) -> Audit:
    """Read the record at `path`. UserError if there is none, or it cannot be read."""
    folder = open_folder(path)
    try:
        return _audit(folder)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _audit(folder: Folder) -> Audit:
    claim = _statement(folder)
    readings = [reading for log in folder.logs for reading in readings_of(folder, log)]
    script_bytes = (folder.path / folder.script).stat().st_size if folder.script else None
    whole = join_scorings(readings, is_aside, shows_a(claim))
    assign_roles(whole, claim, script_bytes)
    for one in readings:
        if one.scores_run is not None:
            one.set_role(one.scores_run.role, f"scores the run of {one.scores_run.log}")
    track = track_of(claim.submission.track, folder.path.resolve().as_posix())
    words = f"{claim.submission.words}\n{claim.readme.words}"
    findings = [
        *limit_findings(whole, track, words, claim),
        *text_findings(_shown(whole), track, words, claim),
        *claim_findings(whole, claim),
        *file_findings(folder, whole, claim, _same_bytes(folder, readings)),
        *program_findings(folder, whole),
    ]
    scores = [one.bpb for one in primary(whole) if one.bpb is not None]
    return Audit(
        folder=str(folder.path),
        track=track,
        claimed=claim.as_claims(),
        runs=tuple(reading.as_run() for reading in readings),
        mean_val_bpb=fmean(scores) if scores else None,
        std_val_bpb=spread(scores, sample=True),
        n_primary_runs=len(scores),
        notes=(*text_notes(primary(whole), words), *program_notes(folder, whole)),
        findings=tuple(sorted(findings, key=lambda one: GRAVEST_FIRST[one.severity])),
    )


def _shown(whole: Sequence[Reading]) -> list[Reading]:
    """The runs of the headline, or where none counts those that ended with a score that is none."""
    return primary(whole) or [one for one in whole if one.role == "incomplete" and one.draft.nan_line is not None]


def readings_of(folder: Folder, log: str) -> list[Reading]:
    """The runs of one log of the folder."""
    drafts = read_log(folder.path / log)
    return [Reading(log, index, len(drafts), draft) for index, draft in enumerate(drafts)]


def _statement(folder: Folder) -> Statement:
    submission = (
        read_submission(folder.path / folder.submission, folder.submission) if folder.submission else Submission()
    )
    readme = read_readme(folder.path / folder.readme, folder.readme) if folder.readme else Readme()
    return state(submission, readme)


def _same_bytes(folder: Folder, readings: Sequence[Reading]) -> dict[str, str]:
    """Log -> an earlier log with the same bytes; only sizes that occur twice are read."""
    logs = list(dict.fromkeys(reading.log for reading in readings))
    sizes = {log: (folder.path / log).stat().st_size for log in logs}
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for log in logs:
        if list(sizes.values()).count(sizes[log]) > 1:
            digest = sha256_of(folder.path / log, sizes[log])
            if digest in first:
                found[log] = first[digest]
            first.setdefault(digest, log)
    return found


def with_shared_runs(audits: Sequence[Audit | str]) -> list[Audit | str]:
    """The audits in their order, each with a finding where an earlier folder holds one of its runs."""
    first: dict[tuple[object, ...], str] = {}
    told: list[Audit | str] = []
    for audit in audits:
        if isinstance(audit, str):
            told.append(audit)
            continue
        marks = [(mark_of(run), run.log) for run in audit.runs]
        shared = {log: first[mark] for mark, log in marks if mark is not None and mark in first}
        for mark, log in marks:
            if mark is not None:
                first.setdefault(mark, f"{audit.folder}/{log}")
        if shared:
            said = "; ".join(f"{log} holds the run of {other}" for log, other in shared.items())
            more = finding("duplicate_log", "elsewhere", said, *shared, *shared.values())
            audit = audit.model_copy(update={"findings": (*audit.findings, more)})
        told.append(audit)
    return told


def mark_of(run: Run) -> tuple[object, ...] | None:
    """What no two runs share: score to eight decimals, clock to the millisecond, size; None if one is missing."""
    known = (run.seed, run.steps, run.train_seconds, run.final_val_bpb, run.total_bytes)
    return None if None in known[1:] else known


def audit_or_error(path: Path) -> Audit | str:
    """The audit, or why there is none: a value that another process can send."""
    try:
        return audit_folder(path)
    except UserError as error:
        return str(error)


def audit_all(paths: Sequence[Path], processes: int | None = None) -> Iterator[Audit | str]:
    """Audits of many folders in their order, by as many processes as there are cores."""
    return in_parallel(audit_or_error, paths, processes, most=16)
