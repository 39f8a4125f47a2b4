"""The clocks of a run, measured outside the script: what it used of its limit, and whether it says what it took."""

from __future__ import annotations

import re

from runner.review.facts import Check
from runner.review.prove.own.runs import OwnSubject
from runner.review.prove.seen import Seen

TRAIN_TIME = re.compile(r"train_time:(\d{1,12})ms step_avg:(\d{1,12}(?:\.\d{1,6})?)ms")
EVAL_TIME = re.compile(r"eval_time:(\d{1,12})ms")
SHARE, LEAST_S = 0.01, 0.5
"""By how much what a log claims may differ from what was measured: this share, or these seconds."""


def clocks(subject: OwnSubject) -> Check:
    """By a clock that only the run moves: training within its limit, and the times that the log says are true."""
    assert subject.own is not None
    assert subject.made is not None
    assert subject.evaluated is not None
    made, scored, limit = subject.made, subject.evaluated, subject.own.limit_s
    said = TRAIN_TIME.findall(made.printed)
    start, end = _at(made, "train_start"), _at(made, "train_end")
    eval_start, eval_end = _at(scored, "eval_start"), _at(scored, "eval_end")
    if not said or start is None or end is None or eval_start is None or eval_end is None:
        return Check(name="outer clock", result="unknown", done="", seen="its phases are not seen to begin and end")
    paused = _validations_s(made, start, end)
    used = [float(one["at"]) for one in made.events("forward", "update", "read") if one.get("role") == "train"]
    trained, last = end - start - paused, max(used) - start - paused
    told, step = float(said[-1][0]) / 1000, float(said[-1][1]) / 1000
    evaluated, told_eval = eval_end - eval_start, sum(float(one) / 1000 for one in EVAL_TIME.findall(scored.printed))
    done = f"let each optimizer step take {subject.base.clock['step']:g} s of a clock that only the run moves"
    allowed = "its steps are counted, not timed"
    if limit is not None:
        allowed = f"{limit:g} s and two steps of {step:.2f} s allowed"
    seen = (
        f"training took {trained:.2f} s ({allowed}), its last look at training text came after {last:.2f} s, its log "
        f"says {told:.2f} s; scoring took {evaluated:.2f} s, its log says {told_eval:.2f} s"
    )
    over = limit is not None and max(trained, last) > limit + max(2 * step, 1.0)
    good = not over and _agree(trained, told) and _agree(evaluated, told_eval)
    repeat = "hold the times of the log against a clock outside the script"
    return Check(name="outer clock", result="pass" if good else "fail", done=done, seen=seen, repeat=repeat)


def _at(run: Seen, name: str) -> float | None:
    """When a phase was announced, first."""
    return next((float(one["at"]) for one in run.events("phase") if one.get("name") == name), None)


def _validations_s(run: Seen, start: float, end: float) -> float:
    """Seconds of validations in the middle of a training."""
    took, begun = 0.0, None
    for one in run.events("phase"):
        at = float(one["at"])
        if one.get("name") == "validation_start" and start <= at <= end:
            begun = at
        elif one.get("name") == "validation_end" and begun is not None:
            took, begun = took + at - begun, None
    return took


def _agree(measured: float, said: float) -> bool:
    return abs(measured - said) <= max(SHARE * measured, LEAST_S)
