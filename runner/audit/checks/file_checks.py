"""Findings about what lies in the folder: missing files, copies, seeds, and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runner.audit.checks.imports import local_imports
from runner.audit.checks.limits import primary
from runner.audit.claims.statement import Statement, seed_in_tag
from runner.audit.facts import Finding
from runner.audit.reading.folder import Folder
from runner.audit.reading.joins import name_seed
from runner.audit.reading.runs import Reading
from runner.audit.severity import finding

def file_findings(
    folder: Folder, readings: Sequence[Reading], claim: Statement, copies: Mapping[str, str]
) -> Iterator[Finding]:
    """What is missing, double or foreign. `copies` maps a log to an earlier one with the same bytes."""
    yield from _missing(folder, claim)
    yield from _logs(readings, claim)
    yield from _copies(readings, copies)
    yield from _seeds(readings, claim)
    yield from _programs(folder, primary(readings))


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
        yield finding("missing_log", "all", f"no log of the claimed run; {claim.n_seeds or 'no'} seeds are claimed")
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
            if other is None and any(run.log == one.log and run.role == "primary" for run in readings):
                continue  # a console's echo behind the log it echoes
            said = f"{one.log} has the same bytes as {other}" if other else f"{one.name}: {one.why}"
            names = {name_seed(log) for log in (one.log, other or one.log)} - {None}
            yield finding("duplicate_log", "posing" if len(names) > 1 else "copy", said, one.log, other or "")


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
    for one in readings:
        named = name_seed(one.log)
        if one.of == 1 and named is not None and one.seed is not None and named != one.seed:
            yield finding("seed_name_mismatch", "name", f"{one.log} prints seed {one.seed}", one.at("seed"))
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
        elif (
            len(counted) == 1
            and claimed == 1
            and not any(one.role == "rerun" and one.seed != seed for one in readings)
        ):
            yield finding(
                "single_seed",
                "one",
                f"one run, seed {'not printed' if seed is None else seed}",
                counted[0].at("seed"),
            )


def _programs(folder: Folder, counted: Sequence[Reading]) -> Iterator[Finding]:
    codes = dict.fromkeys(one.code for one in counted if one.code is not None and "code_bytes" not in one.derived)
    if len(codes) > 1:
        said = " / ".join(f"{code:,}" for code in codes)
        yield finding(
            "mixed_scripts",
            "logs",
            f"the runs' programs have {said} bytes",
            *(one.at("code_bytes") for one in counted),
        )
    if folder.script is None:
        return
    size = (folder.path / folder.script).stat().st_size
    if len(codes) == 1 and not any(size in one.draft.codes for one in counted):
        yield finding(
            "mixed_scripts",
            "folder",
            f"{folder.script} has {size:,} bytes; the logs' program {next(iter(codes)):,}",
            folder.script,
            counted[0].at("code_bytes"),
        )
    modules = local_imports(folder)
    if modules:
        extra = sum((folder.path / name).stat().st_size for name in modules)
        yield finding(
            "code_outside_script",
            "module",
            f"{folder.script} imports {', '.join(modules)} ({extra:,} bytes)",
            folder.script,
            *modules,
        )
