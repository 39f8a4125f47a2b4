"""Record folders of anybody, read for one page: ours by results.json, all others by the audit, as untrusted.

One that is neither is one clear line and stops no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from runner.audit.audit import audit_all, with_shared_runs
from runner.audit.facts import Audit
from runner.audit.reading.folder import RECORD_SIGNS
from runner.compare.facts import Matrix
from runner.compare.matrix import matrix
from runner.folder.paths import RunFolder
from runner.record.comparison_sources import arm_of_audit, arm_of_record
from runner.record.files import RESULTS
from runner.record.find import find_record_folders, is_ours, record_or_problem
from runner.results.comparisons import Arm
from runner.results.frozen import PolicyName
from runner.results.record import RecordData

POLICIES: tuple[PolicyName, ...] = ("readme", "progression")
"""Of a matrix; a test against a number needs one that somebody chose, and a mean of seeds is none."""


def folders_of(paths: Iterable[Path]) -> list[Path]:
    """The record folders that are named, or lie under folders that are named; a run folder only where it is named.

    Where nothing is left, what was named, so that reading it says why.
    """
    named = list(paths)
    return [folder for folder in find_record_folders(named) if folder in named or not is_run(folder)] or named


def is_run(folder: Path) -> bool:
    """Whether a folder is one in which golf works, and no record."""
    run = RunFolder(folder)
    return run.job.is_file() and run.lock.exists() and not (folder / RESULTS).exists()


Gathered = tuple[Path, RecordData | Audit | str]
"""A folder and what was read in it: a record of ours, the audit of anybody's, or in one line why neither."""


def gathered(folders: Sequence[Path], processes: int | None = None) -> list[Gathered]:
    """Each folder with what was read in it, in their order.

    processes: as many audit those that are not ours; None: as many as there are cores.
    """
    theirs = [folder for folder in folders if is_theirs(folder)]
    audits = dict(zip(theirs, with_shared_runs(list(audit_all(theirs, processes))), strict=True))
    return [(folder, audits[folder] if folder in audits else record_or_problem(folder)) for folder in folders]


def is_theirs(folder: Path) -> bool:
    """Whether a folder looks like a record, and like none of golf's."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return not is_ours(folder) if RESULTS in names else bool(names & RECORD_SIGNS)


def arms_of(found: Sequence[Gathered]) -> list[Arm]:
    """An arm for each that is a record; where several have one name, with their folders' names."""
    arms = [
        (folder, arm_of_record(data) if isinstance(data, RecordData) else arm_of_audit(data, folder))
        for folder, data in found
        if not isinstance(data, str)
    ]
    names = Counter(arm.name for _, arm in arms)
    return [
        arm if names[arm.name] == 1 else arm.model_copy(update={"name": f"{arm.name} ({folder.name})"})
        for folder, arm in arms
    ]


def matrices_of(found: Sequence[Gathered]) -> list[Matrix]:
    """Who beats whom, by each policy."""
    arms = arms_of(found)
    return [matrix(arms, policy) for policy in POLICIES]
