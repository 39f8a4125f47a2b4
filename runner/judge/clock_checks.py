"""Questions about time: did training and evaluation end in time, and does the log say the same as the referee?

The official rule of RULES; an interval that straddles its bound is unknown. How the intervals come about is
not here (runner.logs.clocks).
"""

from __future__ import annotations

import math
from dataclasses import replace

from runner.judge.evidence import NOT_MEASURED, Answer, Case, Evidence, beside, plain, status_of
from runner.results.phases import PhaseResult

GRACE_SECONDS = 1.0
GRACE_SHARE = 0.02
"""RULES, official training clock: the limit plus the larger of two steps and one second. How long a step takes is
the referee's clock divided by the steps that the log claims, so two claimed steps count as at most this share of the
limit."""
LOG_SECONDS = 0.5
LOG_SHARE = 0.01
"""RULES: log and referee disagree beyond the larger of the two."""
TOO_WIDE = 4
"""An interval so many times as wide as that tolerance agrees with anything, so it says nothing."""
COMPARED_SHARE = 0.5
"""Unless so much of the time was compared line by line."""
EXPORT_SECONDS = 60.0
EXPORT_SHARE = 0.25
"""A script that trains on after its line that says it does not, on tokens that it has read before, cannot be told
from one that compresses its weights for long; beyond the larger of these, its clock is unknown."""
PACE, PACE_SECONDS, PACE_STEPS = 2.0, 2.0, 20
"""So many times faster than a resumed seed's own pace, and seconds on top, its earlier lives may have been; and the
fewest steps of its own that tell a pace."""
NO_CLAIM = "neither a line nor an announcement tells its training time: outputs.train_time, or outputs.announce"
UNDECIDED = "it may lie on either side of the limit"
MORE_LINES = "more lines of steps, or shorter validations between them, narrow it"
MOST_STEPS = 10**12
"""A log that claims more steps than this claims nothing."""


def grace_seconds(limit: float, train: PhaseResult | None, steps: int | None) -> float:
    """What the training clock grants over `limit` seconds, for a log that claims this many steps."""
    clock = train.clock if train else None
    if clock is None or steps is None or not 1 <= steps <= MOST_STEPS or not math.isfinite(clock.low):
        return GRACE_SECONDS
    two_steps = 2 * clock.low / steps
    # Rounded so that the limit that is shown is the limit that is applied.
    return round(max(GRACE_SECONDS, min(two_steps, GRACE_SHARE * limit)), 3)


def train_clock(case: Case, of: Evidence) -> Answer:
    """Official rule: the limit plus the larger of two steps and one second."""
    limit = case.train_seconds
    train = of.result.train if of.result else None
    grace = grace_seconds(limit, train, of.result.log.steps if of.result else None)
    answer = _clock(train, limit + grace, f"{plain(limit)} s + {plain(grace)} s")
    missing = uncounted_life(of)
    if missing:
        return replace(answer, status="fail", detail="; ".join(filter(None, [missing, answer.detail])))
    doubt = pace_doubt(of)
    if doubt and answer.status == "pass":
        return replace(answer, status="unknown", detail="; ".join(filter(None, [doubt, answer.detail])))
    gap = unannounced_seconds(train)
    if gap is None or train is None:
        return answer
    busy = gap if train.busy_after_seconds is None else min(gap, train.busy_after_seconds)
    told = f"artifact written {gap:.1f} s after the line that ends training"
    told += "" if train.busy_after_seconds is None else f", {busy:.1f} s of them busy"
    if answer.status == "pass" and busy > max(EXPORT_SECONDS, EXPORT_SHARE * limit):
        told += ", too long to be sure that it trained no more"
        return replace(answer, status="unknown", detail="; ".join(filter(None, [told, answer.detail])))
    return replace(answer, detail="; ".join(filter(None, [answer.detail, told])))


def uncounted_life(of: Evidence) -> str:
    """Why the clock lacks time that went into the weights, where the log says that it went on from a checkpoint."""
    log, train = (of.result.log, of.result.train) if of.result else (None, None)
    if log is None or log.resumed_step is None:
        return ""
    if train is None or not train.earlier:
        return f"its log says that it went on after step {log.resumed_step:,}, and no earlier life is counted"
    counted = sum(life.clock.high for life in train.earlier)
    if log.resumed_seconds is not None and not log.resumed_seconds <= counted + LOG_SECONDS:
        return (
            f"its log says that it went on after {log.resumed_seconds:.2f} s of training, and its earlier lives "
            f"count {counted:.2f} s"
        )
    return ""


def pace_doubt(of: Evidence) -> str:
    """Why a resumed seed's earlier lives seem too short for the steps that it went on from; '' where they do not."""
    log, train = (of.result.log, of.result.train) if of.result else (None, None)
    if log is None or train is None or train.clock is None or log.resumed_step is None or log.steps is None:
        return ""
    own = train.clock.high - sum(life.clock.low for life in train.earlier)
    made = log.steps - log.resumed_step
    if not PACE_STEPS <= made <= MOST_STEPS:
        return ""
    counted, needed = sum(life.clock.high for life in train.earlier), log.resumed_step * own / made
    if not needed > PACE * counted + PACE_SECONDS:
        return ""
    return (
        f"the {log.resumed_step:,} steps that it went on from would take {needed:.1f} s at its own pace, its earlier "
        f"lives count {counted:.1f} s"
    )


def unannounced_seconds(train: PhaseResult | None) -> float | None:
    """From when somebody else's script says that training is over to its artifact's last change.

    None for a script of ours, which announces both, and where either was not seen.
    """
    if train is None or train.frozen_seconds is None:
        return None
    over = train.over_seconds
    if over is None and not train.events and train.strict_clock is not None:
        over = train.strict_clock.high  # of a record from before over_seconds was noted
    return None if over is None else max(0.0, train.frozen_seconds - over)


def eval_clock(case: Case, of: Evidence) -> Answer:
    """Evaluation has no grace."""
    limit = case.eval_seconds
    return _clock(of.result.eval if of.result else None, limit, f"{plain(limit)} s")


def _clock(phase: PhaseResult | None, bound: float, limit: str) -> Answer:
    """The official clock against its bound; the strict one stands beside it."""
    if phase is None:
        return Answer("unknown", NOT_MEASURED, limit)
    clock, strict = phase.clock, phase.strict_clock
    beside_it = [] if strict is None else [f"strict {_seconds(strict.low, strict.high, bound)}"]
    if phase.arrival_clock is not None:
        alone = _seconds(phase.arrival_clock.low, phase.arrival_clock.high, bound)
        beside_it.append(f"narrowed by {phase.narrowed_by}; by arrival alone {alone}")
    if phase.clock_doubt:
        beside_it.append(f"not narrowed: {phase.clock_doubt}")
    if phase.earlier:
        lives = ", ".join(str(life.attempt) for life in phase.earlier)
        beside_it.append(f"resumed, attempt {lives} counted with what it lost")
    if phase.started_afresh:
        beside_it.append(phase.started_afresh)
    if phase.irregular or clock is None:
        told = [phase.irregular] if phase.irregular else []
        return Answer("unknown", NOT_MEASURED, limit, "; ".join([*told, *beside_it]))
    measured = _seconds(clock.low, clock.high, bound)
    if not 0 <= clock.low <= clock.high:
        return Answer("unknown", measured, limit, "; ".join(["not a duration", *beside_it]))
    if clock.low <= bound < clock.high:
        told = [UNDECIDED, *([MORE_LINES] if phase.clock_doubt else [])]
        return Answer("unknown", measured, limit, "; ".join([*told, *beside_it]))
    return Answer(status_of(clock.high <= bound), measured, limit, "; ".join(beside_it))


def _seconds(low: float, high: float, bound: float) -> str:
    shown = beside(low, bound), beside(high, bound)
    return f"{shown[0]} s" if low == high else f"{shown[0]} to {shown[1]} s"


FREEZE_SLACK_S = 0.5
"""How far apart a file's time and our own stamps of the same moment may be."""


def data_after_freeze(case: Case, of: Evidence) -> Answer:
    """No training shard is opened or read once the artifact is frozen: what is learnt then is in no artifact."""
    limit = "before it"
    train = of.result.train if of.result else None
    if train is None or train.frozen_seconds is None or not train.reads_watched:
        return Answer("unknown", NOT_MEASURED, limit)
    if train.last_train_read is None:
        return Answer("unknown", "no reading seen", limit, "the script never opened a shard")
    after = train.last_train_read - train.frozen_seconds
    measured = f"{abs(after):.1f} s {'after' if after > 0 else 'before'}"
    return Answer(status_of(after <= FREEZE_SLACK_S), measured, limit)


def eval_isolated(case: Case, of: Evidence) -> Answer:
    """Evaluation ran where neither training shards nor the network can be reached, nor anything that training left.

    Rests on namespaces. Where a node refuses them nothing of that is known, and no track asks for it there.
    """
    scored = of.result.eval if of.result else None
    limit = "cut off from both"
    if scored is None or not scored.isolated:
        return Answer("unknown", NOT_MEASURED, limit, _not_cut_off(scored))
    return Answer("pass", "cut off from both", limit)


def _not_cut_off(scored: PhaseResult | None) -> str:
    if scored is None:
        return ""
    if scored.isolation is None:
        return "the system allows no namespaces"
    told = "what it could reach beside its artifact is not known"
    return f"{told}; it was kept apart by {scored.isolation.words}"


def log_clock(case: Case, of: Evidence) -> Answer:
    """What the log claims and what the referee saw; a disagreement is a finding.

    Of somebody else's script whose lines tell no time, what it announced is the claim.
    It may have narrowed the clock, so it is held against what arrivals alone prove:
    the part that both can tell line by line, and the whole. An interval over TOO_WIDE tolerances wide says nothing,
    unless COMPARED_SHARE of the claim was compared line by line.
    """
    limit = f"{plain(LOG_SECONDS)} s or {plain(LOG_SHARE * 100)} %"
    train = of.result.train if of.result else None
    claim = None if of.result is None else of.result.log.train_seconds
    if claim is None and train is not None:
        claim = train.own_seconds
    said = "log"
    if claim is None and train is not None and train.narrowed_by and train.clock is not None:
        said, claim = train.narrowed_by, (train.clock.low + train.clock.high) / 2
    clock = None if train is None else train.arrival_clock or train.clock
    if claim is None or train is None or clock is None:
        silent = train is not None and train.clock is not None and claim is None
        return Answer("unknown", NOT_MEASURED, limit, NO_CLAIM if silent else "")
    apart = max(clock.low - claim, claim - clock.high, 0.0)
    allowed = max(LOG_SECONDS, LOG_SHARE * clock.high)
    detail = f"{said} {claim:.2f} s, referee {clock.low:.2f} to {clock.high:.2f} s"
    part = train.compared
    if part is not None:
        detail += f"; line by line {part.claimed:.2f} and {part.arrived:.2f} s"
        off, least = abs(part.claimed - part.arrived), max(LOG_SECONDS, LOG_SHARE * part.arrived)
        if off > least:
            return Answer("fail", f"{beside(off, least)} s apart", limit, detail)
    wide = not clock.high - clock.low <= TOO_WIDE * max(LOG_SECONDS, LOG_SHARE * claim)
    if apart <= allowed and wide:
        if part is None or not part.arrived >= COMPARED_SHARE * claim:
            why = f"not narrowed, since {train.clock_doubt}" if train.clock_doubt else "more lines of steps would"
            detail += f": too wide to tell; {why}"
            return Answer("unknown", f"{clock.low:.2f} to {clock.high:.2f} s", limit, detail)
        apart = abs(part.claimed - part.arrived)
    return Answer(status_of(apart <= allowed), f"{beside(apart, allowed)} s apart", limit, detail)
