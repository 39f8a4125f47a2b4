"""Which ends of an attempt another one may better, which are the seed's result, and which end the tries of all seeds.

A completed attempt is never run again, however it scored, and neither is one that ended as it would again: by a
limit, a loss that is not a number, bad input, an artifact that breaks a rule, or an error after it had told its final
score. So no script can choose among its scores by failing. One that was cut off has no result and is tried again,
whatever it had told; the record names every attempt that was launched and does not count. What failed in evaluation
is scored again and not trained again (runner.drive.orders).

The same failure twice is none that chance made, whichever seeds had it. Two failures are the same when, in the same
phase,
  both ended by an exception of the same type, raised at the same place: file, line and function of the script's own;
  or neither shows where it was raised, and both ended by the same exit code (and type) within SAME_MOMENT_S seconds
  of the same moment, or by the same share of it;
  or both ended well and left nothing that counts, such as no artifact.
Running out of a GPU's memory is such a failure. These are not, however often they come: a lost attempt (its node,
worker or supervisor died), one that was interrupted, a limit, a process that was killed by a signal, be it one of
torchrun's ranks, a loss that is not a number, and an error of the node's own, such as a full disk. A signal by which
the system ends a program that went wrong (a segmentation fault) is like an exit code.

Where no seed has completed, the script is at fault: seeds that wait are withdrawn, those that run go on, and nothing
is tried again. Where one has, the others may, too: then only the seeds that failed so are not tried again.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from runner.drive.collect import read_result
from runner.folder.paths import AttemptFolder
from runner.results.runs import Failure, RunResult

NAN = 3
DELIBERATE = (0, 2, NAN)
"""Exit codes by which a script says how it ended: well, bad input, loss not a number."""
SAME_MOMENT_S, SAME_SHARE = 5.0, 0.02
"""How far apart two ends are the same moment, in seconds and as a share of the later one."""
OWN_FAULT = {
    -number
    for number in (signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV)
}
KILLED = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)}
"""How a shell tells that what it started was killed."""
NODE_TROUBLE = re.compile(r"\[Errno (5|28|122)\]|No space left on device|uncorrectable ECC error", re.IGNORECASE)
"""Messages of exceptions that another node may not raise: its disk is full or broken, or its GPU."""


def may_be_chance(result: RunResult) -> bool:
    """Whether the attempt was cut off, or ended by an error that need not come again."""
    if result.status == "lost":
        return True
    if result.status != "failed" or result.log.saw_nan or result.final_score is not None:
        return False
    if result.failure is not None:
        return result.failure.exit_code not in DELIBERATE
    last = result.eval or result.train
    return last is None or last.returncode not in DELIBERATE


def is_telling(failure: Failure) -> bool:
    """Whether a failure says something of the script, so that the same one again would be no chance."""
    code = failure.exit_code
    killed = code in KILLED or (code < 0 and code not in OWN_FAULT)
    diverged = code == NAN and not failure.error
    return not (killed or diverged or NODE_TROUBLE.search(failure.message))


def is_same_failure(one: Failure, other: Failure) -> bool:
    """Whether two attempts failed alike; see the module's first lines."""
    if one.phase != other.phase or not is_telling(one) or not is_telling(other):
        return False
    if one.place or other.place:
        return (one.error, one.place) == (other.error, other.place)
    if (one.error, one.exit_code) != (other.error, other.exit_code):
        return False
    apart = abs(one.seconds - other.seconds)
    return one.exit_code == 0 or apart <= max(SAME_MOMENT_S, SAME_SHARE * max(one.seconds, other.seconds))


def ended_by_itself(attempts: Sequence[AttemptFolder]) -> bool:
    """Whether the newest attempt, of an earlier run, came to an end of its own, so that another starts afresh."""
    result = read_result(attempts[-1].result) if attempts else None
    return result is not None and result.status in ("failed", "timeout")


class Failures:
    """The failures of one run's attempts that say something of the script."""

    def __init__(self) -> None:
        self.known: list[tuple[Failure, str]] = []

    def earlier(self, result: RunResult) -> str:
        """Which attempt failed so before, in words; '' for none. Takes note of this one."""
        failure = result.failure
        if result.status != "failed" or failure is None or result.log.saw_nan:
            return ""
        before = next((who for known, who in self.known if is_same_failure(known, failure)), "")
        if not before:
            self.known.append((failure, f"seed {result.seed} attempt {result.attempt}"))
        return before
