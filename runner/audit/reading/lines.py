"""One line of a log: the facts and the score that it states, by the tables of `dialects.py`. Knows no other line."""

from __future__ import annotations

import math
import re

from runner.audit.facts import ScoreLine
from runner.audit.reading.dialects import (
    BEFORE_EXPORT,
    BY_LITERAL,
    CODE,
    COUNTER,
    DIFFERENCE,
    FORMATTED,
    LOSS,
    NAN_SCORE,
    OF_A_PART,
    PROGRESS,
    SCORES,
    TIME,
    TIME_UNITS,
    UNITS,
    VALIDATION,
)

ASIDE = re.compile(r"\([^()]{1,60}\)")
"""What stands in brackets between a score's name and its number."""


def is_code(text: str) -> bool:
    """Whether a line is a dumped program's."""
    return CODE.match(text) is not None or ("{" in text and FORMATTED.search(text) is not None)


def facts_of(text: str, low: str) -> dict[str, float]:
    """The facts that a line states; `low` is the line in lower case."""
    found: dict[str, float] = {}
    for rows in [rows for literal, rows in BY_LITERAL.items() if literal in low]:
        for row in rows:
            match = row.regex.search(text)
            for group, value in match.groupdict().items() if match else ():
                if value is not None:
                    name, read = UNITS[group]
                    number = read(value)
                    if math.isfinite(number):
                        found.setdefault(name, number)
    return found


def score_of(text: str, lineno: int) -> ScoreLine | None:
    """The score that a line states; None for a running or partial one, and for what is no score."""
    if PROGRESS.search(text):
        return None
    for row in SCORES:
        match = row.regex.search(text)
        if match is None:
            continue
        if COUNTER.search(text[: match.start()]):
            return None
        loss, time = LOSS.search(text), TIME.search(text)
        start = min(match.start(), loss.start() if loss else match.start())
        label = text[:start].strip(" :=|-*>[(,\t")
        aside = ASIDE.search(match[0])
        if aside:  # `Quantized BPB (no XSA): 1.0276` is another score than `Quantized BPB: 1.0314`
            label = f"{label} {aside[0]}"
        value = float(match["bpb"])
        if DIFFERENCE.search(label) or not 0 < value < 100:
            return None
        return ScoreLine(
            label=label[:120],
            lineno=lineno,
            text=text[:400].strip(),
            val_loss=_finite(loss[1] or loss[2]) if loss else None,
            val_bpb=value,
            digits=len(match["bpb"].lower().partition("e")[0].partition(".")[2]),
            eval_seconds=_seconds(time[1], time[2]) if time else None,
            before_export=bool(BEFORE_EXPORT.search(text[: match.end()]) or OF_A_PART.search(text[: match.start()])),
        )
    return None


def is_nan_score(text: str) -> bool:
    """Whether a line gives NaN or infinity for a score of the finished model."""
    match = NAN_SCORE.search(text)
    return match is not None and not PROGRESS.search(text) and not BEFORE_EXPORT.search(text[: match.end()])


def validation_of(text: str, lineno: int) -> ScoreLine | None:
    """The validation of the middle of training that a line states: what a run without a final score ends at."""
    bpb, loss = VALIDATION.match(text), LOSS.search(text)
    if bpb is None or not 0 < float(bpb[1]) < 100:
        return None
    return ScoreLine(
        label="last validation",
        lineno=lineno,
        text=text[:400].strip(),
        val_loss=_finite(loss[1] or loss[2]) if loss else None,
        val_bpb=float(bpb[1]),
        digits=len(bpb[1].lower().partition("e")[0].partition(".")[2]),
        eval_seconds=None,
        before_export=True,
    )


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _seconds(text: str, unit: str) -> float | None:
    """A time in seconds; zero is a time that was not taken."""
    value = TIME_UNITS[unit.lower()](text)
    return value if 0 < value < math.inf else None
