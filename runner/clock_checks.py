"""Questions about time: did training and evaluation end in time, and does the log say the same as the referee?

The official rule of RULES; an interval that straddles its bound is unknown. How the intervals come about is
not here (runner.clocks).
"""

from __future__ import annotations

from runner.evidence import NOT_MEASURED, Answer, Case, Evidence, beside, plain, status_of
from runner.results import Interval, RunResult

GRACE_SECONDS = 1.0
"""RULES, official training clock: the limit plus the larger of this and two steps."""
LOG_SECONDS = 0.5
LOG_SHARE = 0.01
"""RULES: log and referee disagree beyond the larger of the two."""
MOST_STEPS = 10**12
"""A log that claims more steps than this claims nothing."""


def step_seconds(result: RunResult) -> float:
    """Seconds of one step: the log's claim, believed only if its steps fit into the clock that the referee saw."""
    log, clock = result.log, result.train.clock if result.train else None
    if clock is None or log.step_avg_ms is None or log.steps is None:
        return 0.0
    step = log.step_avg_ms / 1000
    countable = step >= 0 and 1 <= log.steps <= MOST_STEPS
    possible = countable and step * log.steps <= clock.high * (1 + LOG_SHARE) + LOG_SECONDS
    return step if possible else 0.0


def train_clock(case: Case, of: Evidence) -> Answer:
    """Official rule: the limit plus the larger of two steps and one second."""
    limit = case.train_seconds
    grace = GRACE_SECONDS if of.result is None else max(GRACE_SECONDS, 2 * step_seconds(of.result))
    grace = round(grace, 3)  # so that the limit that is shown is the limit that is applied
    clock = of.result.train.clock if of.result and of.result.train else None
    return _clock(clock, limit + grace, f"{plain(limit)} s + {plain(grace)} s")


def eval_clock(case: Case, of: Evidence) -> Answer:
    """Evaluation has no grace."""
    limit = case.eval_seconds
    clock = of.result.eval.clock if of.result and of.result.eval else None
    return _clock(clock, limit, f"{plain(limit)} s")


def _clock(clock: Interval | None, bound: float, limit: str) -> Answer:
    if clock is None:
        return Answer("unknown", NOT_MEASURED, limit)
    low, high = beside(clock.low, bound), beside(clock.high, bound)
    measured = f"{low} s" if clock.low == clock.high else f"{low} to {high} s"
    if not 0 <= clock.low <= clock.high:
        return Answer("unknown", measured, limit, "not a duration")
    if clock.high <= bound:
        return Answer("pass", measured, limit)
    return Answer("fail", measured, limit) if clock.low > bound else Answer("unknown", measured, limit, "straddles")


def log_clock(case: Case, of: Evidence) -> Answer:
    """What the log claims and what the referee saw; a disagreement is a finding."""
    limit = f"{plain(LOG_SECONDS)} s or {plain(LOG_SHARE * 100)} %"
    claim = of.result.log.train_seconds if of.result else None
    clock = of.result.train.clock if of.result and of.result.train else None
    if claim is None or clock is None:
        return Answer("unknown", NOT_MEASURED, limit)
    apart = max(clock.low - claim, claim - clock.high, 0.0)
    allowed = max(LOG_SECONDS, LOG_SHARE * clock.high)
    detail = f"log {claim:.2f} s, referee {clock.low:.2f} to {clock.high:.2f} s"
    return Answer(status_of(apart <= allowed), f"{beside(apart, allowed)} s apart", limit, detail)
