"""Findings about limits: the cap, the clocks, and the ratio of loss to bits per byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.audit.claims.shown import Shown
from runner.audit.claims.statement import Statement
from runner.audit.facts import LIMIT_S, Finding
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import finished
from runner.audit.severity import finding
from runner.audit.track import CAP_BYTES, GPUS, timed
from runner.judge.evidence import beside

SLACK_S = 1.0
OF_THE_ENTRY = ("primary", "excluded", "rerun", "superseded", "duplicate")
"""Roles of runs whose size speaks of the entry; an ablation or another experiment may weigh what it likes."""


def primary(readings: Sequence[Reading]) -> list[Reading]:
    """The runs that the headline is made of."""
    return [one for one in readings if one.role == "primary"]


def limit_findings(readings: Sequence[Reading], track: str | None, words: str, claim: Statement) -> Iterator[Finding]:
    """What breaks a limit."""
    yield from _cap(readings, claim)
    yield from _training(primary(readings), track, words)
    yield from _evaluation(primary(readings), track, words)


def _cap(readings: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    over = [one for one in readings if one.total is not None and one.total > CAP_BYTES and one.role in OF_THE_ENTRY]
    counted = [one for one in over if one.role == "primary"]
    unfinished = [
        one for one in readings if one.role == "incomplete" and (one.total or 0) > CAP_BYTES and not primary(readings)
    ]
    for condition, group in (("counted", counted), ("unfinished", unfinished)):
        if group:
            said = "; ".join(_over_by(one, condition == "counted") for one in group)
            yield finding("over_cap", condition, said, *(_at_total(one) for one in group))
            return
    told = [size for size in _claimed_sizes(claim) if size > CAP_BYTES]
    if told:
        said = "; ".join(f"{size.where}: {size:,.0f} bytes claimed, {size - CAP_BYTES:,.0f} over" for size in told)
        yield finding("over_cap", "claim", said, *(size.where for size in told))
        return
    rough = list(_rough(primary(readings), claim))
    if rough:
        surely = any(low > CAP_BYTES for _, low, _ in rough)
        said = "; ".join(
            f"{place}: at least {low:,.0f} bytes"
            if low > CAP_BYTES
            else f"{place}: between {low:,.0f} and {high:,.0f} bytes"
            for place, low, high in rough
        )
        yield finding("over_cap", "counted" if surely else "megabytes", said, *(place for place, _, _ in rough))
        return
    other = [one for one in over if one.role != "primary"]
    if other:
        said = "; ".join(_over_by(one, False) for one in other)
        yield finding("over_cap", "other", said, *(_at_total(one) for one in other))


def _claimed_sizes(claim: Statement) -> list[Shown]:
    """Sizes of the whole that the record states, in bytes: for all, and for the seeds that count."""
    seeds = [size for one in claim.counted_claims for size in one.bytes]
    return [*((claim.submission.total,) if claim.submission.total is not None else ()), *seeds]


def _rough(counted: Sequence[Reading], claim: Statement) -> Iterator[tuple[str, float, float]]:
    """(place, least, most bytes) of sizes that are only given in megabytes and may be over the cap."""
    for one in counted:
        if one.megabytes and one.megabytes[2] > CAP_BYTES:
            yield one.at("total_low"), *one.megabytes[:2]
    size = claim.submission.megabytes
    if size is not None and claim.submission.total is None and not any(one.total for one in counted):
        half = 0.5 * 10.0**-size.digits
        unit = 2**20 if "mib" in size.where.lower() else 1e6
        if (size + half) * unit > CAP_BYTES:
            yield size.where, (size - half) * unit, (size + half) * 2**20


def _over_by(one: Reading, counted: bool) -> str:
    total = one.total or 0
    return f"{one.name}{'' if counted else f' ({one.role})'}: {total:,} bytes, {total - CAP_BYTES:,} over"


def _at_total(one: Reading) -> str:
    return one.at("total_bytes" if "total_bytes" in one.draft.facts else "bare_total_bytes")


def seconds_over(one: Reading) -> float | None:
    """How long a run trained beyond what the limit, two steps and a second allow; None if it kept to it."""
    seconds, steps = one.train_seconds, one.steps
    if seconds is None:
        return None
    step = one.draft.facts.get("step_avg_ms", 0.0) / 1000 or (seconds / steps if steps else 0.0)
    return seconds - LIMIT_S if seconds > LIMIT_S + max(2 * step, SLACK_S) else None


def _training(readings: Sequence[Reading], track: str | None, words: str) -> Iterator[Finding]:
    for fewer in (False, True):
        over = [
            one
            for one in readings
            if seconds_over(one) is not None
            and timed(track, words, one.train_seconds or 0.0, one.gpus)
            and ((one.gpus or GPUS) < GPUS) is fewer
        ]
        if over:
            said = "; ".join(
                f"{one.name}: {beside(one.train_seconds or 0.0, LIMIT_S, least=3)} s"
                + (f" on {one.gpus} GPUs" if fewer else "")
                for one in over
            )
            yield finding(
                "over_train_limit",
                "fewer_gpus" if fewer else "counted",
                f"{said}; the limit is {LIMIT_S:.0f} s",
                *(one.at("train_seconds") for one in over),
            )


def _evaluation(readings: Sequence[Reading], track: str | None, words: str) -> Iterator[Finding]:
    over: list[tuple[Reading, float]] = []
    for one in readings:
        lines = (score.eval_seconds for score in finished(one.scores))
        times = (one.eval_seconds, one.total_eval_seconds, *lines)
        longest = max((time for time in times if time is not None), default=0.0)
        if longest > LIMIT_S and timed(track, words, min(longest, one.train_seconds or longest), one.gpus):
            over.append((one, longest))
    for fewer in (False, True):
        group = [(one, seconds) for one, seconds in over if ((one.gpus or GPUS) < GPUS) is fewer]
        if group:
            said = "; ".join(
                f"{one.name}: {beside(seconds, LIMIT_S, least=1)} s" + (f" on {one.gpus} GPUs" if fewer else "")
                for one, seconds in group
            )
            yield finding(
                "over_eval_limit",
                "fewer_gpus" if fewer else "counted",
                f"{said}; the limit is {LIMIT_S:.0f} s",
                *(one.at_score for one, _ in group),
            )
