"""What the served folder holds at this moment: runs by what their drivers write, and record folders.

Read-only, and by the readers that `golf status` and `golf report` use. Nothing is looked up by a name that came from
outside: names are made here, of what was found, and a request can only choose among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import get_args

from runner.audit.reading.folder import RECORD_SIGNS
from runner.drive.watch.status import CROWD, crowd, entries_of, last_entries, run_state, seed_states
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.folder.launches import stopped
from runner.folder.paths import RunFolder
from runner.folder.recorded import record_of
from runner.folder.runs import all_runs, driver_of, noted_job
from runner.folder.trainings import train_log
from runner.job.load import job_from_mapping
from runner.job.spec import JobSpec
from runner.job.tracks import limits_for
from runner.live.outlook import Outlook
from runner.live.run_facts import live_facts
from runner.live.seed_state import SeedState
from runner.live.words import outlook_words
from runner.logs.loss_curves import curve
from runner.plan.past_results import SHELVES
from runner.record.files import RESULTS
from runner.record.find import find_record_folders, is_ours
from runner.results.frozen import VerdictStatus
from runner.results.runs import Curve
from runner.serving.facts import Listed, RunNow, SeedNow
from runner.serving.gather import is_run

RUNNING = "running"
"""State of a run whose driver lives."""
MOST_RUNS = 200
"""Of more the newest are listed."""
MOST_CURVES = 12
"""Seeds whose losses are drawn while a run goes on."""
MOST_LOG_BYTES = 64 << 20
"""A log that is larger is not read for a drawing."""


def runs_of(root: Path) -> list[RunFolder]:
    """The runs of a folder, the one that was written to last first."""
    return all_runs(root)[::-1][:MOST_RUNS]


def records_of(root: Path) -> list[Listed]:
    """The record folders on a folder's shelves; of a folder without shelves, those that lie anywhere below it."""
    shelves = [root / shelf for shelf in SHELVES if (root / shelf).is_dir()]
    found = [folder for folder in find_record_folders(shelves or [root]) if folder.is_dir() and _is_one(folder)]
    return [_listed(root, folder) for folder in found]


def _is_one(folder: Path) -> bool:
    return not is_run(folder) and bool({path.name for path in folder.iterdir()} & {RESULTS, *RECORD_SIGNS})


def _listed(root: Path, folder: Path) -> Listed:
    below = folder.relative_to(root).as_posix()
    return Listed(key_of(below), below, ours=is_ours(folder))


def key_of(below: str) -> str:
    """A folder's part of an address: short, and no path."""
    return sha256_bytes(below.encode("utf-8", "surrogateescape"))[:16]


def run_now(root: Path, run: RunFolder, *, curves: bool) -> RunNow:
    """Where a run stands. curves: whether its seeds' losses so far are read, too."""
    name, state = run.path.name, run_state(run)
    recorded = record_of(run)
    verdict = next((one for one in get_args(VerdictStatus) if recorded and recorded.verdict == one), None)
    record = key_of(Path(recorded.place).as_posix()) if recorded else ""
    try:
        last, why = last_entries(run), stopped(entries_of(run))
        if len(last) > CROWD:
            counts, states = crowd(run, last)
        else:
            states = seed_states(run)
            counts = ", ".join(
                f"{count} {word}" for word, count in Counter(one.state for one in states).most_common()
            )
    except UserError as error:
        return RunNow(name, state, "unknown", (), verdict=verdict, record=record, problem=str(error))
    job = job_of(run)
    limits = None
    if job is not None:
        with suppress(UserError):
            limits = limits_for(job)
    return RunNow(
        name,
        state,
        counts or "no seed is registered",
        tuple(map(_seed_now, states)),
        seeds_left_out=len(last) - len(states),
        verdict=verdict,
        record=record,
        stopped=why,
        ahead=ahead_of(run, states) if state == RUNNING and len(last) <= CROWD else "",
        train_limit=limits.train_seconds if limits else None,
        cap_bytes=limits.cap_bytes if limits else None,
        curves=tuple(curves_of(run, states, job)) if curves else (),
    )


def ahead_of(run: RunFolder, states: Sequence[SeedState]) -> str:
    """`1 to 4 min left; $0.40 spent, about $1.20 in all`; what is not known is left out."""
    driver = driver_of(run)
    facts, _ = live_facts(run, entries_of(run), states, local=driver is not None and driver.local)
    told = ("left_seconds", "left_by_seeds", "dollars_spent", "dollars_at_least", "dollars_total")
    return outlook_words(Outlook(*(facts[name] for name in told)))


def _seed_now(state: SeedState) -> SeedNow:
    low = state.clock if state.clock_low is None else state.clock_low
    return SeedNow(
        state.seed, state.attempt, state.state, state.step, state.loss, state.bpb, low, state.clock, state.note
    )


def job_of(run: RunFolder) -> JobSpec | None:
    """The job that a run began with; None where it cannot be read by this golf."""
    try:
        return job_from_mapping(noted_job(run), source=str(run.job))
    except UserError:
        return None


def curves_of(run: RunFolder, states: Sequence[SeedState], job: JobSpec | None) -> Iterator[Curve]:
    """Losses so far of the first seeds whose logs show some."""
    own = None if job is None or job.script is None else job.outputs.pattern("step")
    for state in [one for one in states if one.attempt is not None][:MOST_CURVES]:
        assert state.attempt is not None
        log = train_log(run, state.seed, run.attempt(state.seed, state.attempt))
        with suppress(OSError, UserError):
            if log.stat().st_size <= MOST_LOG_BYTES and (found := curve(state.seed, [log], own)) is not None:
                yield found
