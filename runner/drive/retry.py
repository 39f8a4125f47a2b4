"""Which ends of an attempt another one may better, and which are the seed's result.

A completed attempt is never run again, however it scored, and neither is one that ended as it would again: by a
limit, a loss that is not a number, bad input, an artifact that breaks a rule, or an error after it had told its final
score. So no script can choose among its scores by failing. One that was cut off has no result and is tried again,
whatever it had told; the record names every attempt that was launched and does not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from runner.drive.collect import read_result
from runner.folder.paths import AttemptFolder
from runner.results import RunResult

DELIBERATE = (0, 2, 3)
"""Exit codes by which a script says how it ended: well, bad input, loss not a number."""


def may_be_chance(result: RunResult) -> bool:
    """Whether the attempt was cut off, or ended by an error that need not come again (to torchrun all are 1)."""
    if result.status == "lost":
        return True
    if result.status != "failed" or result.log.saw_nan or result.final_score is not None:
        return False
    last = result.eval or result.train
    return last is None or last.returncode not in DELIBERATE


def ended_by_itself(attempts: Sequence[AttemptFolder]) -> bool:
    """Whether the newest attempt, of an earlier run, came to an end of its own, so that another starts afresh."""
    result = read_result(attempts[-1].result) if attempts else None
    return result is not None and result.status in ("failed", "timeout")
