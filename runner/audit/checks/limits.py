"""Findings about limits: the cap, the clocks, and the ratio of loss to bits per byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.audit.claims.statement import Statement
from runner.audit.facts import LIMIT_S, Finding
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import finished
from runner.audit.reading.tokenizers import RATIOS, tokenizer_of
from runner.audit.severity import finding
from runner.audit.track import CAP_BYTES, GPUS, timed
from runner.judge.evidence import beside

SLACK_S = 1.0
OF_THE_ENTRY = ("primary", "excluded", "rerun", "superseded", "duplicate")
"""Roles of runs whose size speaks of the entry; an ablation or another experiment may weigh what it likes."""
OFF = 1e-3
"""Share by which a ratio may be off: validation sets are cut a little differently."""


def primary(readings: Sequence[Reading]) -> list[Reading]:
    """The runs that the headline is made of."""
    return [one for one in readings if one.role == "primary"]


def limit_findings(readings: Sequence[Reading], track: str | None, words: str, claim: Statement) -> Iterator[Finding]:
    """What breaks a limit."""
    yield from _cap(readings)
    yield from _training(primary(readings), track, words)
    yield from _evaluation(primary(readings), track, words)
    yield from _ratio(primary(readings), words)


def _cap(readings: Sequence[Reading]) -> Iterator[Finding]:
    over = [one for one in readings if one.total is not None and one.total > CAP_BYTES and one.role in OF_THE_ENTRY]
    for counted in (True, False):
        group = [one for one in over if (one.role == "primary") is counted]
        if group:
            said = "; ".join(_over_by(one, counted) for one in group)
            yield finding("over_cap", "counted" if counted else "other", said, *(_at_total(one) for one in group))


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
    if over:
        said = "; ".join(f"{one.name}: {beside(seconds, LIMIT_S, least=1)} s" for one, seconds in over)
        yield finding(
            "over_eval_limit", "counted", f"{said}; the limit is {LIMIT_S:.0f} s", *(one.at_score for one, _ in over)
        )


def _ratio(readings: Sequence[Reading], words: str) -> Iterator[Finding]:
    for one in readings:
        line = one.final.line if one.final else None
        kind = tokenizer_of(one.draft.marks, words)
        if line is None or line.val_loss is None or kind is None:
            continue
        slack = OFF + 10.0**-line.digits / line.val_bpb
        constant, found = RATIOS[kind], line.val_loss / line.val_bpb
        if abs(found / constant - 1) <= slack:
            continue
        others = [score for score in finished(one.scores) if score.val_loss is not None]
        right = [score for score in others if abs((score.val_loss or 0) / score.val_bpb / constant - 1) <= slack]
        yield finding(
            "metric_ratio",
            "line" if right else "tokenizer",
            f"{one.name}: val_loss / val_bpb = {found:.4f}; on FineWeb with {kind} it is {constant:.4f}"
            + (f", as in line {right[-1].lineno}" if right else ""),
            one.at_score,
        )
