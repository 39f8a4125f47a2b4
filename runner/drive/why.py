"""Why an attempt came to nothing, in words for people and as a value that can be held against another's. Pure.

First the exception that the script ended by, with its line; then what the referee saw; then the log's last lines.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress

from runner.listing import counted
from runner.logs.exceptions import Ending
from runner.node.work_folder import MAX_ARTIFACT_BYTES
from runner.printable import cut
from runner.results.phases import PhaseResult
from runner.results.runs import Failure, Leftovers

NAMED = 12
"""Files that a reason names of those that training left."""


def failure_of(phase: PhaseResult | None, ending: Ending) -> Failure | None:
    """How a phase's process ended, its log read by `ending`; None where it did not end by itself."""
    if phase is None or phase.returncode is None:
        return None
    code = phase.returncode
    if code > 0 and ending.exit_code is not None:
        code = ending.exit_code  # torchrun makes 1 of every failure
    raised = ending.raised(code) if code > 0 else None
    return Failure(
        phase=phase.phase,
        exit_code=code,
        seconds=round(phase.wall_seconds, 3),
        error=raised.error if raised else "",
        message=raised.message if raised else "",
        place=raised.place if raised else "",
    )


def exception_words(failure: Failure) -> str:
    """`ValueError: bad shape (train_gpt.py:120 in evaluate)`; '' where the log shows no exception."""
    told = f"{failure.error}: {failure.message}" if failure.message else failure.error
    return f"{told} ({failure.place})" if failure.place else told


def end_words(code: int) -> str:
    """`exit code 7`, `signal 9 (SIGKILL)`."""
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"signal {-code}"


def failure_words(failure: Failure, reason: str) -> str:
    """A failure in a few words. reason: of its attempt."""
    phase = "training" if failure.phase == "train" else "evaluation"
    if failure.error:
        return f"{exception_words(failure)}, in {phase}"
    if failure.exit_code == 0:
        return cut(reason.partition("\n")[0], 200)
    return f"{end_words(failure.exit_code)} of {phase} after {failure.seconds:.1f} s"


def reason_of(told: str, failure: Failure | None, tail: Sequence[str]) -> str:
    """The whole reason. told: what the referee saw; tail: last lines of the log."""
    raised = exception_words(failure) if failure is not None else ""
    if failure is not None and failure.exit_code not in (0, 1) and f"exit code {failure.exit_code}" not in told:
        told = f"{told}: torchrun tells of {end_words(failure.exit_code)} in the rank that failed first"
    return "\n".join([*([raised] if raised else []), told, *(f"| {line}" for line in tail)])


def words_on_leftovers(left: Leftovers, place: str) -> str:
    """What training left and where that is kept; place: the attempt's folder as people are told it."""
    if not left.files:
        return "it left no file"
    names = ", ".join(f"{cut(one.name, 60)} ({one.bytes:,} B)" for one in left.files[:NAMED])
    number = len(left.files) + left.more
    more = f" and {number - NAMED:,} more" if number > NAMED else ""
    least = "at least " if left.uncounted else ""
    told = f"it left {least}{counted(number, 'file')}: {names}{more}"
    if left.kept:
        return f"{told}; the largest of at most {MAX_ARTIFACT_BYTES:,} B is kept: {place}/{left.kept_as}"
    return f"{told}; none is kept: {left.not_kept}"
