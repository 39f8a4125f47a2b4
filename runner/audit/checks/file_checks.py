"""Findings about what lies in the folder: missing files, copies, seeds, and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runner.audit.checks.limits import primary
from runner.audit.claims.statement import Statement, seed_in_tag
from runner.audit.facts import Finding
from runner.audit.reading.folder import Folder
from runner.audit.reading.joins import name_seed, seed_of
from runner.audit.reading.runs import Reading
from runner.audit.severity import finding
from runner.audit.track import floors

EXACT = 8
"""Decimals to which two seeds never agree by chance."""
NEAR_SEEDS = 0.02
"""Bits per byte by which seeds of one model differ at most."""


def file_findings(
    folder: Folder, readings: Sequence[Reading], claim: Statement, copies: Mapping[str, str]
) -> Iterator[Finding]:
    """What is missing, double or foreign. `copies` maps a log to an earlier one with the same bytes."""
    yield from _missing(folder, claim)
    yield from _logs(readings, claim)
    yield from _copies(readings, copies)
    yield from _same_scores(primary(readings))
    yield from _seeds(readings, claim)


def _missing(folder: Folder, claim: Statement) -> Iterator[Finding]:
    if folder.submission is None:
        yield finding("missing_submission_json", "missing", "there is no submission.json")
    else:
        if folder.submission.lower() != "submission.json":
            said = f"there is no submission.json; {folder.submission} may be it"
            yield finding("missing_submission_json", "named", said, folder.submission)
    if folder.submission is not None and claim.submission.problem:
        yield finding("unreadable_submission_json", "broken", claim.submission.problem, folder.submission)
    if folder.readme is None:
        yield finding("missing_readme", "missing", "there is no README")
    if folder.script is None:
        yield finding("missing_script", "none", "there is no train_gpt.py, nor any other program")
    elif folder.script.rpartition("/")[2] != "train_gpt.py":
        yield finding(
            "missing_script", "named", f"there is no train_gpt.py; {folder.script} may be it", folder.script
        )


def _logs(readings: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """Claimed runs without a log."""
    ours = [
        one
        for one in readings
        if one.complete and one.role not in ("copied", "other_experiment", "stray", "duplicate")
    ]
    counted, wanted = primary(readings), claim.n_seeds or 1
    if not counted and claim.headline is None and readings:
        return  # nothing is claimed that a log could show
    if not counted:
        asked = "all" if claim.headline is not None or claim.submission.per_seed else "unclaimed"
        seeds = f"; {claim.n_seeds} seeds are claimed" if claim.n_seeds else ""
        said = "no log of the claimed run" if asked == "all" else "no log of a run; no score is claimed either"
        yield finding("missing_log", asked, f"{said}{seeds}")
        return
    here = {one.seed for one in ours}
    tags = [tag for tag in claim.submission.seeds if seed_in_tag(tag) is not None]
    one_seed_for_all = len(counted) > 1 and len({one.seed for one in counted}) == 1  # told as single_seed
    known = None not in here and not one_seed_for_all
    lost = [tag for tag in tags if seed_in_tag(tag) not in here] if known else []
    if lost or len(ours) < wanted:
        seeds = f"seeds {', '.join(lost)} have no log" if lost else f"seeds claimed: {wanted}"
        yield finding("missing_log", "some", f"{seeds}; runs logged: {len(ours)}", *(one.log for one in ours))
        if len(ours) < wanted:
            yield finding("too_few_seeds", "fewer", f"seeds claimed: {wanted}, runs logged: {len(ours)}")
        return
    told = [one for one in claim.readme.per_seed if one.bpbs and one.seed not in here]
    if told and known:
        said = ", ".join(dict.fromkeys(str(one.seed) for one in told))
        yield finding(
            "missing_log", "told", f"README lists seeds without a log: {said}", *(one.where for one in told)
        )


def _copies(readings: Sequence[Reading], copies: Mapping[str, str]) -> Iterator[Finding]:
    foreign = [one for one in readings if one.role == "copied"]
    if foreign:
        yield finding(
            "duplicate_log",
            "copied",
            f"{', '.join(one.log for one in foreign)}: {foreign[0].why}",
            *(one.log for one in foreign),
        )
    for one in readings:
        if one.role == "duplicate":
            other = copies.get(one.log)
            if other is None and one.copy_of is not None and (one.copy_of.log == one.log or not one.draft.trained):
                continue  # a console's echo behind the log it echoes, or one more print of the scoring
            said = f"{one.log} has the same bytes as {other}" if other else f"{one.name}: {one.why}"
            names = {name_seed(log) for log in (one.log, other or one.log)} - {None}
            yield finding("duplicate_log", "posing" if len(names) > 1 else "copy", said, one.log, other or "")


def _same_scores(counted: Sequence[Reading]) -> Iterator[Finding]:
    """Two seeds whose scores are the same to eight decimals: one run posing as two, or a score that the seed
    cannot move.

    Under the floor of all tracks it is a cache that answers, whatever the seed; that is told as an implausible score.
    """
    seen: dict[float, Reading] = {}
    for one in counted:
        line = one.final.line if one.final else None
        if line is None or line.digits < EXACT or line.val_bpb < min(floors(None)):
            continue
        other = seen.setdefault(line.val_bpb, one)
        if other is not one and None not in (seed_of(one), seed_of(other)) and seed_of(one) != seed_of(other):
            said = (
                f"{other.name} and {one.name} have the same score {line.val_bpb:.8f}: one run under two "
                f"names, or a score that does not hang on the seed"
            )
            yield finding("duplicate_log", "same_score", said, other.at_score, one.at_score)
            return


def _seeds(readings: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    counted = primary(readings)
    silent = [one for one in counted if one.seed is None]
    if silent:
        yield finding(
            "no_seed_in_log",
            "counted",
            f"no seed in {', '.join(one.name for one in silent)}",
            *(one.log for one in silent),
        )
    for log in dict.fromkeys(one.log for one in readings):
        named, runs = name_seed(log), [one for one in readings if one.log == log]
        printed = {one.seed for one in runs}
        if named is not None and None not in printed and len(printed) == 1 and named not in printed:
            said = f"the name of {log} says seed {named}; it prints seed {runs[0].seed}"
            yield finding("seed_name_mismatch", "name", said, runs[0].at("seed"))
    seeds, claimed = {one.seed for one in counted}, claim.n_seeds or 1
    if counted and len(seeds) == 1:
        seed = next(iter(seeds))
        if len(counted) > 1 and seed is not None:
            posing = claimed > 1
            said = f"{len(counted)} runs count, all with seed {seed}" + (
                f"; {claimed} seeds are claimed" if posing else ""
            )
            yield finding(
                "single_seed", "posing" if posing else "repeated", said, *(one.at("seed") for one in counted)
            )
        elif len(counted) == 1 and claimed == 1 and not _others_agree(counted[0], readings):
            yield finding(
                "single_seed",
                "one",
                f"one run, seed {'not printed' if seed is None else seed}",
                counted[0].at("seed"),
            )


def _others_agree(one: Reading, readings: Sequence[Reading]) -> bool:
    """Whether other seeds of the same model show about the same score, so that the result does not hang on one."""
    return any(
        other.role == "rerun"
        and other.seed != one.seed
        and None not in (other.bpb, one.bpb)
        and abs((other.bpb or 0) - (one.bpb or 0)) < NEAR_SEEDS
        for other in readings
    )
